"""Environments and commands that are larger than a SageMaker job takes: packed here, unpacked in the container. Pure.

AWS takes 100 variables of 512 characters, and 100 arguments of 256. What is longer, or too many, travels as JSON in
pieces, in the variables FINETUNE_PACKED_0, _1, ...
"""

import json
import re
from collections.abc import Mapping, Sequence

from finetune.errors import ComputeError

MOST_VARIABLES, LONGEST_VALUE = 100, 512
PIECE = "FINETUNE_PACKED_"
COMMAND = "FINETUNE_COMMAND"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,511}")


def pack(environment: Mapping[str, str], command: Sequence[str], most: int = MOST_VARIABLES) -> dict[str, str]:
    """An environment of so many variables at most, within AWS's limits, that `unpack` turns back into these two.

    Raises:
        ComputeError: It is too large even so.
    """
    wanted = {**environment, COMMAND: json.dumps(list(command))}
    kept = {name: value for name, value in wanted.items() if _fits(name, value)}
    packed = _pieces(wanted, kept)
    if len(kept) + len(packed) > most:
        kept, packed = {}, _pieces(wanted, {})
    if len(packed) > most:
        raise ComputeError(
            f"the job's environment has {sum(map(len, packed.values())):,} characters and SageMaker takes "
            f"{most * LONGEST_VALUE:,}; shorten compute's environment"
        )
    return kept | packed


def unpack(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment and command that were packed, and all other variables as they are."""
    pieces = {name: value for name, value in environment.items() if re.fullmatch(PIECE + "[0-9]+", name)}
    text = "".join(pieces[f"{PIECE}{number}"] for number in range(len(pieces)))
    whole = {name: value for name, value in environment.items() if name not in pieces}
    whole |= json.loads(text) if text else {}
    return whole, json.loads(whole.pop(COMMAND))


def _fits(name: str, value: str) -> bool:
    # Characters beyond ASCII travel in JSON's escapes: AWS does not say whether it counts characters or bytes.
    return len(value) <= LONGEST_VALUE and value.isascii() and _NAME.fullmatch(name) is not None


def _pieces(wanted: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """What is not kept, as JSON in pieces."""
    rest = {name: value for name, value in wanted.items() if name not in kept}
    text = json.dumps(rest) if rest else ""
    starts = range(0, len(text), LONGEST_VALUE)
    return {f"{PIECE}{number}": text[start : start + LONGEST_VALUE] for number, start in enumerate(starts)}
