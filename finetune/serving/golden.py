"""Golden requests: a server answers them as the model did when it was packed, or does not start."""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.errors import ServeError
from finetune.serving.answers import Answer
from finetune.serving.refused import Rejected

TOLERANCE = 1e-4
"""Between two probabilities: other batches and other machines round differently, by some 1e-6."""

ADVICE = (
    "serve it with the packages and the code that it was packed with, or register the run again; where an answer "
    "depends on what else is in its batch, forward looks at the padding: let it use a mask"
)


def check_golden(golden: Sequence[Mapping[str, Any]], answers: Sequence[Answer], versions: Mapping[str, str]) -> None:
    """Refuses a model that answers differently now. Pure.

    Args:
        golden: The package's golden requests.
        answers: The answers to them now.
        versions: The installed packages that are others than those it was packed with, and how; for the message.

    Raises:
        ServeError: An answer differs by more than TOLERANCE; the message has the values.
    """
    pairs = enumerate(zip(golden, answers, strict=True))
    lines = [line for index, (each, answer) in pairs for line in _differences(index, each["probabilities"], answer)]
    if lines:
        others = "".join(f"\n  {name}: {how}" for name, how in versions.items())
        raise ServeError(
            "the model answers its golden requests differently than when it was packed:"
            + "".join(f"\n  {line}" for line in lines)
            + (f"\ninstalled packages are others, too:{others}" if others else "")
            + f"\n{ADVICE}"
        )


def _differences(index: int, expected: Mapping[str, float], answer: Answer) -> list[str]:
    if isinstance(answer, Rejected):
        return [f"golden request {index}: no answer: {answer.reason}"]
    return [
        f"golden request {index}: {label}: {answer[label]:.6f}, but was {value:.6f}"
        for label, value in expected.items()
        if not abs(answer[label] - value) <= TOLERANCE
    ]
