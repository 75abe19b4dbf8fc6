from finetune.report.facts import Dropped, group_dropped


def test_dropped_ids_are_counted_by_reason_with_up_to_five_examples() -> None:
    rows = [(f"n{index}", "no label") for index in range(7)]
    rows += [("a", "duplicate of b"), ("c", "duplicate of d"), ("e", "no file: raw_text.json")]
    rows += [("f", "conflicting labels: tag, text"), ("g", "conflicting labels: same content as h")]
    assert group_dropped(rows) == [
        Dropped("no label", 7, ("n0", "n1", "n2", "n3", "n4")),
        Dropped("conflicting labels", 2, ("f", "g")),
        Dropped("duplicate", 2, ("a", "c")),
        Dropped("no file: raw_text.json", 1, ("e",)),
    ]


def test_nothing_dropped_is_no_row() -> None:
    assert group_dropped([]) == []
