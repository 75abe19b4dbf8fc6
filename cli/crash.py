"""What a step raised that nobody foresaw: where, and the way to it from the step on, without that through ZenML."""

import traceback
from pathlib import Path

from finetune.calls import place

STEPS = Path(__file__).parents[1] / "steps"


def told_of(error: BaseException) -> tuple[str, str]:
    """The traceback from the step on, and one sentence with the line of the experiment, the step and the error."""
    whole = traceback.TracebackException.from_exception(error)
    begins = [index for index, frame in enumerate(whole.stack) if Path(frame.filename).parent == STEPS]
    step = f"step {whole.stack[begins[0]].name}" if begins else "a step"
    if begins:
        whole.stack = traceback.StackSummary.from_list(whole.stack[begins[0] :])
    return "".join(whole.format()).rstrip(), f"{place(error)}{step} raised {type(error).__name__}: {error}"
