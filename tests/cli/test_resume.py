"""Which run `run.py resume` means."""

from pathlib import Path

import pytest

from cli.resume import find_home, unfinished
from finetune import runs
from finetune.errors import ConfigError, RunError
from finetune.experiment import Home
from finetune.runs import Run, Status


def home(root: Path, experiment: str, *statuses: Status) -> Home:
    made = Home(str(root), experiment)
    for status in statuses:
        claim(made).ended(status).write(made)
    return made


def claim(made: Home) -> Run:
    return runs.claim(made, stack="local", config={}, versions={})


def test_the_ticket_names_an_experiment_and_so_does_its_whole_name(tmp_path: Path) -> None:
    wanted = home(tmp_path, "EXP-33-a", Status.FAILED)
    home(tmp_path, "EXP-333-b", Status.FAILED)
    for name in ("EXP-33", "EXP-33-a"):
        assert find_home(name, [str(tmp_path / "empty"), str(tmp_path)], "resume") == wanted


def test_a_name_that_several_have_is_refused_with_their_places(tmp_path: Path) -> None:
    home(tmp_path, "EXP-33-a", Status.FAILED)
    home(tmp_path, "EXP-33-a-b", Status.FAILED)
    with pytest.raises(ConfigError, match=rf"several homes have that name: {tmp_path}/EXP-33-a, {tmp_path}/EXP-33-a-b"):
        find_home("EXP-33", [str(tmp_path)], "resume")
    assert find_home("EXP-33-a", [str(tmp_path)], "resume").experiment == "EXP-33-a"


def test_a_name_that_nobody_has_is_refused_with_the_places_that_were_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"no experiment in {tmp_path} has that name; name its place with --root"):
        find_home("EXP-33", [str(tmp_path)], "resume")


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED, Status.RUNNING])
def test_the_newest_run_is_meant_unless_a_number_says_another(tmp_path: Path, status: Status) -> None:
    made = home(tmp_path, "EXP-33-a", Status.FAILED, Status.COMPLETED, status)
    assert unfinished(made, None).run_number == 3
    assert unfinished(made, 1).run_number == 1


def test_a_completed_run_is_refused_with_those_that_are_not(tmp_path: Path) -> None:
    made = home(tmp_path, "EXP-33-a", Status.FAILED, Status.STOPPED, Status.COMPLETED)
    with pytest.raises(RunError, match="resume EXP-33-a: run 3 is completed; not completed: 1, 2"):
        unfinished(made, None)
    alone = home(tmp_path, "EXP-34-a", Status.COMPLETED)
    with pytest.raises(RunError, match="run 1 is completed; to begin a new run: python run.py --config FILE$"):
        unfinished(alone, None)


def test_without_runs_and_with_an_unknown_number_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="it has no runs in"):
        unfinished(Home(str(tmp_path), "EXP-33-a"), None)
    made = home(tmp_path, "EXP-33-a", Status.FAILED)
    with pytest.raises(RunError, match=r"run 7 of EXP-33-a does not exist \(runs: 1\)"):
        unfinished(made, 7)
