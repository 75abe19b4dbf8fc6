"""Refuses to search keys of the model section that encode_data reads: the dataset is prepared once for all trials."""

from collections.abc import Iterable

from finetune.errors import FunctionsError
from finetune.prepare.alike import Reads


def refuse_encoded(searched: Iterable[str], reads: Reads) -> None:
    """Refuses a search for keys of the model section that encode_data reads.

    Raises:
        FunctionsError: There is one.
    """
    for key in searched:
        if reads is None or key in reads:
            raise FunctionsError(
                f"tune.space.model.{key}: encode_data reads {key}, but the dataset is prepared once for all trials, "
                f"with the value in model:; search keys that only get_model reads, and try others in runs of their own"
            )
