import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.serving.forms import Form, accepted, form_of
from finetune.serving.refused import RequestError


@pytest.mark.parametrize(
    ("accept", "asked", "form"),
    [
        ("", Form.CSV, Form.CSV),
        ("*/*", Form.JSON_LINES, Form.JSON_LINES),
        ("application/json", Form.CSV, Form.JSON),
        ("application/x-ndjson", Form.CSV, Form.JSON_LINES),
        ("text/html, application/xml;q=0.9, */*;q=0.8", Form.CSV, Form.CSV),
        ("text/csv;q=0.5, application/json;q=0.7", Form.CSV, Form.JSON),
        ("application/*", Form.CSV, Form.JSON),
        ("application/*", Form.JSON_LINES, Form.JSON_LINES),
        ("text/csv; header=present", Form.JSON, Form.CSV),
    ],
)
def test_the_answer_has_the_form_that_is_accepted_first_or_that_of_the_request(
    accept: str, asked: Form, form: Form
) -> None:
    assert accepted(accept, asked) is form


@pytest.mark.parametrize("accept", ["text/html", "text/csv;q=0", "application/json;q=none", ","])
def test_an_accept_that_takes_none_of_the_forms_is_refused(accept: str) -> None:
    with pytest.raises(RequestError, match="Accept: must take one of application/json") as caught:
        accepted(accept, Form.JSON)
    assert caught.value.status == 406


@given(st.text(max_size=40), st.sampled_from(Form))
def test_any_header_gives_a_form_or_a_refusal(header: str, form: Form) -> None:
    for read in (form_of, lambda text: accepted(text, form)):
        try:
            assert isinstance(read(header), Form)
        except RequestError as error:
            assert error.status in (406, 415)
