"""A process that has imported the packages once, and forks one child for each run.py that it is asked for.

It reads a line of JSON a run from stdin (arguments, cwd, environment, out, err) and answers with the exit code. A run
that starts from here differs from one in a fresh process by what is imported already and by a list of the installed
packages that is made once; no code of an experiment is loaded before the fork.
"""

import atexit
import importlib
import importlib.metadata
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

PACKAGES = (
    "matplotlib.pyplot",
    "rich.table",
    "pipelines.finetune",
    "finetune.training.trial",
    "cli.run",
    "cli.summary",
)

REPOSITORY = Path(__file__).resolve().parents[2]


def serve() -> None:
    sys.path.insert(0, str(REPOSITORY))
    import_packages()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            code = run(**asked)
            atexit._run_exitfuncs()  # scratch folders go; the interpreter's own end would take a second
            os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def import_packages() -> None:
    from cli.environment import quiet_defaults

    quiet_defaults()
    from zenml.environment import Environment
    from zenml.integrations.registry import integration_registry

    for name in PACKAGES:
        importlib.import_module(name)
    integration_registry.activate_integrations()
    # ZenML lists the installed packages anew in each run, through pip and through importlib: half of a cached run.
    packages, distributions = Environment.get_python_packages(), importlib.metadata.packages_distributions()
    Environment.get_python_packages = staticmethod(lambda: packages)
    importlib.metadata.packages_distributions = lambda: distributions


def run(arguments: list[str], cwd: str, environment: dict[str, str], out: str, err: str) -> int:
    """In the child: becomes `python run.py ARGUMENTS`."""
    os.environ.update(environment)
    os.chdir(cwd)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    script = str(REPOSITORY / "run.py")
    sys.path[1:1] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv = [script, *arguments]
    code: Any = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code)


if __name__ == "__main__":
    serve()
