"""Calls an experiment's functions in the trial and says which of them raised."""

from typing import Any

from finetune.errors import FinetuneError, FunctionsError


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
        raise FunctionsError(f"{what} raised {type(error).__name__}: {error}; mend functions.py") from error
