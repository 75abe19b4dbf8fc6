from typing import Any

from benchmarks.results import COLUMNS, Place, failed_row, number, row, short, updated

PLACE = Place("2026-01-31", "abc1234+", "Some CPU, 2 cores")
ORDER = ("first", "second", "third")


def line(name: str, value: float = 1.5, *, meets: bool = True, **detail: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": "s", "goal": "under 2", "meets": meets, "detail": detail}


def cells(text: str, name: str) -> dict[str, str]:
    found = next(each for each in text.splitlines() if each.startswith(f"| {name} |"))
    return dict(zip(COLUMNS, (cell.strip() for cell in found.strip("|").split("|")), strict=True))


def test_a_row_holds_the_figure_and_where_it_was_measured() -> None:
    text = updated("", {"first": row(line("first", threads=2), PLACE)}, ORDER)

    assert cells(text, "first") == {
        "name": "first",
        "value": "1.5 s",
        "goal": "under 2",
        "met": "yes",
        "detail": "threads 2",
        "date": "2026-01-31",
        "commit": "abc1234+",
        "machine": "Some CPU, 2 cores",
    }


def test_a_missed_figure_says_so() -> None:
    text = updated("", {"first": row(line("first", meets=False), PLACE)}, ORDER)

    assert cells(text, "first")["met"] == "**no**"


def test_a_benchmark_without_a_figure_has_a_row_with_the_reason() -> None:
    text = updated("", {"first": failed_row("first", "took more than 600 s", PLACE)}, ORDER)

    assert cells(text, "first")["met"] == "**no**"
    assert cells(text, "first")["detail"] == "took more than 600 s"


def test_a_later_run_replaces_its_own_row_and_keeps_the_others() -> None:
    before = updated("", {name: row(line(name), PLACE) for name in ("first", "second")}, ORDER)

    after = updated(before, {"second": row(line("second", 9.25, meets=False), PLACE)}, ORDER)

    assert cells(after, "second")["value"] == "9.25 s"
    assert cells(after, "first") == cells(before, "first")
    assert len(after.splitlines()) == len(before.splitlines())


def test_rows_stand_in_the_order_of_the_benchmarks_and_unknown_ones_go() -> None:
    names = ("third", "gone", "first")
    text = updated("", {name: row(line(name), PLACE) for name in names}, (*ORDER, "gone"))

    after = updated(text, {"second": row(line("second"), PLACE)}, ORDER)

    assert [each.split()[1] for each in after.splitlines() if each.startswith("| ")][2:] == ["first", "second", "third"]


def test_writing_the_same_row_again_changes_nothing() -> None:
    rows = {"first": row(line("first"), PLACE)}
    once = updated("", rows, ORDER)

    assert updated(once, rows, ORDER) == once
    assert updated(once, {}, ORDER) == once


def test_a_bar_or_line_break_in_a_cell_does_not_break_the_table() -> None:
    text = updated("", {"first": row(line("first", note="a | b\nc"), PLACE)}, ORDER)

    assert cells(text, "first")["detail"] == "note a / b c"


def test_the_detail_shows_figures_with_their_goals() -> None:
    figure = {"value": 31.0, "unit": "s", "goal": "under 25", "meets": False}

    assert short({"second_run": figure}) == "second run 31 s (under 25: **missed**)"
    assert short({"speeds": {"ours": 1.25, "bare": 33209}, "all": [1, 2.5]}) == (
        "speeds (ours 1.25, bare 33,209); all 1 2.5"
    )


def test_numbers_are_short() -> None:
    assert [number(value) for value in (0.98765, 24.123, 180.0, 33209, 5058.6, 0.00012)] == [
        "0.9877",
        "24.12",
        "180",
        "33,209",
        "5,059",
        "0.00012",
    ]
