import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_what_runs_first_in_a_container_loads_only_the_standard_library() -> None:
    code = (
        "import json, sys, operators.entrypoint\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "print(json.dumps(sorted(tops - set(sys.stdlib_module_names) - {'__main__', 'finetune', 'operators'})))"
    )
    found = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []
