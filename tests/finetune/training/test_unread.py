from finetune.training.unread import unread_keys


def test_a_key_that_nobody_reads_is_told_with_the_one_that_was_meant() -> None:
    section = {"checkpoint": None, "sha256": None, "max_char": 5, "width": 8, "colour": "red"}
    found = dict(unread_keys(section, frozenset({"max_chars"}), frozenset({"width"})))
    assert found == {"max_char": "max_chars", "colour": None}


def test_where_a_function_may_read_all_keys_none_is_told() -> None:
    assert dict(unread_keys({"max_char": 5}, frozenset({"max_chars"}), None)) == {}
