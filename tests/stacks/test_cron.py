import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import ConfigError
from stacks.cron import DAYS, FIELDS, MONTHS, Field, aws_cron

SPECIAL = {"day of month": ["?", "L", "LW", "15W"], "day of week": ["?", "L", "FRIL", "5L", "MON#2", "2#5"]}


@st.composite
def items(draw: st.DrawFn, field: Field) -> str:
    """A value, range, step or list of a field."""
    value = st.one_of(
        st.integers(field.low, field.high).map(str), *([st.sampled_from(field.names)] * bool(field.names))
    )
    span = st.one_of(st.just("*"), value, st.tuples(value, value).map("-".join))
    step = st.one_of(st.just(""), st.integers(1, field.high).map("/{}".format))
    one = st.tuples(span, step).map("".join)
    return ",".join(draw(st.lists(one, min_size=1, max_size=3)))


@st.composite
def expressions(draw: st.DrawFn) -> list[str]:
    fields = [draw(st.one_of(items(field), st.sampled_from(SPECIAL.get(field.name, ["*"])))) for field in FIELDS]
    open_day = draw(st.sampled_from([2, 4]))
    for day in (2, 4):
        fields[day] = "?" if day == open_day else fields[day].replace("?", "*")
    return fields


@given(expressions(), st.sampled_from(["{}", "cron({})", "  {}  "]))
def test_what_aws_documents_is_taken_as_it_is(fields: list[str], form: str) -> None:
    assert aws_cron(form.format("  ".join(fields))) == " ".join(fields) == aws_cron(" ".join(fields))


@given(expressions(), st.integers(0, 5), st.data())
def test_a_value_out_of_its_range_is_refused_by_its_fields_name(
    fields: list[str], which: int, data: st.DataObject
) -> None:
    field = FIELDS[which]
    wrong = data.draw(st.one_of(st.integers(field.high + 1, 99999), st.integers(-99, field.low - 1)).map(str))
    broken = [*fields[:which], wrong, *fields[which + 1 :]]
    with pytest.raises(ConfigError, match=f"{field.name} must be {field.low}-{field.high}.* but got '{wrong}'"):
        aws_cron(" ".join(broken))


@given(st.one_of(st.text(), st.text("0123456789*?/,-LW#ADEFIMNORSTU ")))
def test_any_other_text_is_an_error_of_ours_or_six_fields(text: str) -> None:
    try:
        assert len(aws_cron(text).split()) == 6
    except ConfigError as error:
        assert "--cron: " in str(error)


@pytest.mark.parametrize("text", ["0 6 * * 1", "", "0 6 ? * MON-FRI * *", "cron()", "rate(1 hour)"])
def test_other_forms_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="must be the six fields of AWS .* such as .0 6 ") as caught:
        aws_cron(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", ["mon", "MON;FRI", "MON-", "MON-WED-FRI", "1/0", "*/", "*/x", "MON#6", "8L", "²"])
def test_a_day_of_week_in_another_form_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="day of week must be 1-7 or SUN-SAT"):
        aws_cron(f"0 6 ? * {value} *")


@pytest.mark.parametrize("text", ["0 6 * * * *", "0 6 ? * ? *"])
def test_exactly_one_kind_of_day_is_left_open(text: str) -> None:
    with pytest.raises(ConfigError, match="one of day of month and day of week must be"):
        aws_cron(text)


def test_names_stand_for_months_and_days() -> None:
    assert (len(MONTHS), len(DAYS)) == (12, 7)
    assert aws_cron("0 0 L JAN,DEC ? 2026-2030") == "0 0 L JAN,DEC ? 2026-2030"
