from cli.crash import STEPS, told_of


def raised(source: str, place: str) -> Exception:
    """The error of a function `train` that lies at a place."""
    names: dict[str, object] = {}
    exec(compile(f"def train():\n    {source}\n", place, "exec"), names)
    call = "def call(step):\n    step()\n"
    exec(compile(call, "site-packages/zenml/runner.py", "exec"), names)
    try:
        names["call"](names["train"])  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError


def test_the_way_to_an_error_begins_at_its_step_which_is_named() -> None:
    trace, reason = told_of(raised("raise RuntimeError('boom')", str(STEPS / "train.py")))
    assert reason == "step train raised RuntimeError: boom"
    assert "zenml" not in trace and trace.splitlines()[1] == f'  File "{STEPS / "train.py"}", line 2, in train'
    assert trace.splitlines()[-1] == "RuntimeError: boom"


def test_an_error_of_no_step_is_told_whole() -> None:
    trace, reason = told_of(raised("raise ValueError('gone')", "site-packages/zenml/store.py"))
    assert reason == "a step raised ValueError: gone"
    assert "zenml/runner.py" in trace and "in raised" in trace
