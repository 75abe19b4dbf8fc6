"""Every step is documented, typed, and thin."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "steps"
NAMES = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if path.stem not in ("__init__", "checkpoints", "claim", "lineage", "outcome", "room", "tracking", "tuned", "work")
)


def entrypoint(name: str):  # noqa: ANN201
    return import_module(f"steps.{name}").__dict__[name].entrypoint


def test_there_are_the_steps_of_one_model_of_several_of_a_study_and_of_groups() -> None:
    of_one = ["check_data", "evaluate", "prepare", "reconcile", "snapshot", "train"]
    registered = ["gate", "metrics", "register", "transform"]
    in_groups = ["divide", "encode_group", "merge", "survey", "tabulate"]
    in_groups += ["fetch", "fetch_dataset", "ingest", "ingest_dataset"]  # of records in a feature store
    others = ["compare", "conclude", "study", "trial", "tune", "tuning_job"]
    assert sorted([*of_one, *in_groups, *registered, *others]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_step_says_what_it_does_and_names_its_outputs(name: str) -> None:
    step = entrypoint(name)
    assert inspect.getdoc(step)
    hints = get_type_hints(step, include_extras=True)
    assert hints.keys() == {*inspect.signature(step).parameters, "return"}
    if hints["return"] is type(None):
        return
    outputs = get_args(hints["return"]) if get_origin(hints["return"]) is tuple else (hints["return"],)
    assert all(get_origin(output) is Annotated and isinstance(get_args(output)[1], str) for output in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_calls_into_the_library_and_does_little_itself(name: str) -> None:
    assert len(inspect.getsource(entrypoint(name)).splitlines()) <= 50
