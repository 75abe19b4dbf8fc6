"""Calls an experiment's functions and says which of them raised what, and on which line."""

import difflib
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.errors import FinetuneError, FunctionsError
from finetune.source.roots import project_roots, shown


class Given(dict[str, Any]):
    """A mapping that a function is given; a key that it lacks is answered with what it has.

    It stays a KeyError, so that a function may catch it.
    """

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        """Takes how a message about a missing key begins, for example "the config's section model: has no key"."""
        dict.__init__(self, values)
        self.what = what

    def __missing__(self, key: Any) -> Any:
        raise MissingKey(key, f"{self.what} {key}; {did_you_mean(key, list(dict.keys(self)))}")

    def __reduce__(self) -> tuple[Any, ...]:
        return Given, (self.what, dict(self))


def model_section(model: Mapping[str, Any]) -> Given:
    """The config's model section, as encode_data and get_model get it."""
    return Given("the config's section model: has no key", model)


class MissingKey(KeyError):
    """A function asked for a key that what it was given lacks; `advice` is for the user."""

    def __init__(self, key: Any, advice: str) -> None:
        super().__init__(key)
        self.advice = advice


def did_you_mean(name: Any, known: Sequence[str]) -> str:
    """The known name that is nearest, if one is near, and all known names."""
    near = difflib.get_close_matches(str(name), known, n=1)
    listed = f"there are: {', '.join(known) or 'none'}"
    return f"did you mean {near[0]}? ({listed})" if near else listed


def call(what: str, function: Any, *args: Any, **settings: Any) -> Any:
    """Calls it; `what` names it in the error.

    Raises:
        FunctionsError: It raised something that is not meant for the user already.
    """
    try:
        return function(*args, **settings)
    except FinetuneError:
        raise
    except Exception as error:
        raise FunctionsError(f"{raised(what, error)}; {missing_key(error) or 'mend functions.py'}") from error


def raised(what: str, error: Exception) -> str:
    """`experiments/NAME/functions.py:12: WHAT raised KeyError: 'width'`."""
    kind = KeyError if isinstance(error, MissingKey) else type(error)
    return f"{place(error)}{what} raised {kind.__name__}: {error}"


def place(error: BaseException) -> str:
    """`experiments/NAME/functions.py:12: `, the innermost line of an experiment on the way to the error, or nothing."""
    folders = [root / "experiments" for root in project_roots()]
    frames = [(Path(frame.filename).resolve(), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [(file, line) for file, line in frames if any(file.is_relative_to(folder) for folder in folders)]
    return f"{shown(own[-1][0])}:{own[-1][1]}: " if own else ""


def missing_key(error: BaseException) -> str | None:
    """What to do about a key that a given mapping lacks; None for any other error."""
    return error.advice if isinstance(error, MissingKey) else None
