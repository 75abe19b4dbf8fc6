"""`python -m finetune.serving.start`: serves a package with the package's own code; the program `serve` of the image.

The process becomes the server, so that signals reach it.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from finetune.code_hash import functions_hash
from finetune.errors import FinetuneError, FunctionsError, ServeError
from finetune.serving.archive import unpack
from finetune.serving.facts import CODE, PackageFacts, read_package
from finetune.source.closure import Sources
from finetune.source.roots import module_file, project_roots

MODEL = "/opt/ml/model"
PORT, SAGEMAKERS_PORT = 8080, "SAGEMAKER_BIND_TO_PORT"
SHOWN = 5


def main(arguments: Sequence[str]) -> int:
    """Becomes the server; gives an exit code only where it cannot."""
    parser = argparse.ArgumentParser(prog="serve", description="Serves a model package: GET /ping, POST /invocations.")
    parser.add_argument("package", type=Path, nargs="?", default=Path(MODEL), help=f"folder or model.tar.gz ({MODEL})")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (0.0.0.0)")
    parser.add_argument("--port", type=int, default=int(os.environ.get(SAGEMAKERS_PORT) or PORT), help=f"({PORT})")
    options = parser.parse_args(arguments)
    try:
        if options.package.is_dir():
            become_server(options.package, options.host, options.port)
        become_server(unpacked(options.package), options.host, options.port, remove=True)
    except FinetuneError as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def unpacked(package: Path) -> Path:
    """A temporary folder with what the model.tar.gz holds.

    Raises:
        ServeError: It is no package of this project; no folder is left.
    """
    folder = Path(tempfile.mkdtemp(prefix="package-"))
    try:
        unpack(package, folder)
        read_package(folder)
    except ServeError:
        shutil.rmtree(folder)
        raise
    return folder


def become_server(folder: Path, host: str, port: int, *, remove: bool = False) -> NoReturn:
    """Turns this process into the server of an unpacked package.

    Args:
        folder: The package.
        host: Address to listen on.
        port: 0 takes a free one, which is said.
        remove: The server removes the folder when it ends.

    Raises:
        ServeError: It is no package of this project.
    """
    if found := other_code(folder, read_package(folder)):
        print(found, file=sys.stderr)
    command = server_command(folder, host, port, remove=remove)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, server_environment(folder, os.environ))


def server_command(folder: Path, host: str, port: int, *, remove: bool = False) -> list[str]:
    """The command of the server; -P keeps the working folder, and with it other code, off Python's path."""
    command = [sys.executable, "-P", "-m", "finetune.serving.server", str(folder), "--host", host, "--port", str(port)]
    return [*command, *(["--remove"] if remove else [])]


def server_environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which the package's code comes first."""
    path = os.pathsep.join(filter(None, [str(folder.absolute() / CODE), environment.get("PYTHONPATH", "")]))
    return {"TOKENIZERS_PARALLELISM": "false", **environment, "PYTHONPATH": path}


def other_code(folder: Path, facts: PackageFacts) -> str | None:
    """Says that the project has another version of the package's functions here, and in which files; None if not."""
    roots = project_roots()
    try:
        same = functions_hash(facts.functions, Sources(roots)) == facts.code
    except FunctionsError:  # the project here has no such experiment, or its file is being written
        return None
    if same:
        return None
    code = folder / CODE
    files = [path.relative_to(code) for path in sorted(code.glob("*/**/*.py"))]
    changed = [str(path) for path in files if _changed(code, path, roots)]
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return (
        f"the package is of another version of the code than the one here ({', '.join(changed[:SHOWN])}{more}); "
        f"it is served with its own"
    )


def _changed(code: Path, path: Path, roots: Sequence[Path]) -> bool:
    here = module_file(path.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"), roots)
    return here is not None and here.read_bytes() != (code / path).read_bytes()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
