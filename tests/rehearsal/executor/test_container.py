import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.executor.view import to_mirror
from rehearsal.fixture import skip_where_refused

NOBODY = 65534
CODE = """
import sys, time
from pathlib import Path
from rehearsal.executor.container import Container, Spec
from rehearsal.executor.view import View
folder = Path(sys.argv[1])
(folder / "ml").mkdir()
job = "import os; open('/opt/ml/x', 'w').write('x'); print(os.getuid(), os.path.exists('/opt/ml'), os.listdir('/hide'))"
view = View(places={"/opt/ml": str(folder / "ml"), "/hide": str(folder / "ml")}, hidden=["/hide"])
container = Container(Spec("algo-1", [sys.executable, "-c", job], {}, view), folder / "container")
while container.exit_code() is None:
    time.sleep(0.02)
print(container.exit_code(), container.log.read_text().strip())
"""


def python_of(user: int) -> str | None:
    """An interpreter that another user may start."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", ""], user=user, group=user, extra_groups=[], check=True, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return None


def test_an_ordinary_user_has_a_container_of_its_own() -> None:
    skip_where_refused()
    if os.geteuid() != 0:
        pytest.skip("all other tests have shown it: they ran as an ordinary user")
    python = python_of(NOBODY)
    if python is None:
        pytest.skip("no interpreter that the user nobody may start")
    # Not in tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        ran = subprocess.run(
            [python, "-B", "-c", CODE, folder],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
        )
    assert ran.stdout.strip() == "0 0 True ['x']", ran.stderr


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(st.sets(PATHS), st.sets(PATHS))
def test_only_existing_folders_are_mirrored_and_each_with_those_above_it(targets: set[str], made: set[str]) -> None:
    there = {str(above) for path in made for above in (Path(path), *Path(path).parents)} | {"/"}
    mirrored = to_mirror(targets, there.__contains__)
    assert mirrored <= there and "/" in mirrored
    assert all(str(Path(path).parent) in mirrored for path in mirrored)


def test_a_new_folder_mirrors_what_it_is_put_into() -> None:
    there = {"/", "/opt", "/opt/pypi", "/tmp"}
    assert to_mirror(["/opt/ml", "/opt/ml/code", "/tmp"], there.__contains__) == {"/", "/opt"}
    assert to_mirror(["/app", "/tmp"], there.__contains__) == {"/"}
