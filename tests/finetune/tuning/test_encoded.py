"""Keys of the model section that encode_data reads cannot be searched."""

import pytest

from finetune.errors import FunctionsError
from finetune.tuning.encoded import refuse_encoded


def test_a_key_that_encode_data_reads_is_refused_and_others_are_not() -> None:
    refuse_encoded(["width"], frozenset({"max_length", "tail"}))
    with pytest.raises(
        FunctionsError, match="tune.space.model.tail: encode_data reads tail, but the dataset is prepared"
    ):
        refuse_encoded(["width", "tail"], frozenset({"max_length", "tail"}))


def test_where_encode_data_may_read_all_keys_none_is_searched() -> None:
    refuse_encoded([], None)
    with pytest.raises(FunctionsError, match="tune.space.model.width"):
        refuse_encoded(["width"], None)
