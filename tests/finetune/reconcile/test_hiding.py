"""Values of secrets in what goes wrong."""

import traceback

import pytest

from finetune.errors import FinetuneError, ReconcileError, StorageError
from finetune.reconcile.hiding import hidden, hiding

VALUE = "p@ss w0rd/\\"


@pytest.mark.parametrize("form", [VALUE, "p%40ss%20w0rd%2F%5C", "p%40ss+w0rd%2F%5C", repr(VALUE)[1:-1]])
def test_a_value_is_replaced_in_each_form_in_which_a_message_may_quote_it(form: str) -> None:
    assert hidden(f"access denied for 'me:{form}'", {VALUE: "${env:SECRET}"}) == "access denied for 'me:${env:SECRET}'"


def test_a_short_value_is_replaced_only_where_it_stands_alone_and_the_longest_value_first() -> None:
    assert hidden("no a in table", {"a": "***"}) == "no *** in table"
    assert hidden("blue-green blue", {"blue": "1", "blue-green": "2"}) == "2 1"


def test_what_is_shown_instead_is_not_searched_for_values() -> None:
    assert hidden("me at db", {"me": "${env:db}", "db": "${env:me}"}) == "${env:db} at ${env:me}"


@pytest.mark.parametrize(
    ("raised", "kind"), [(StorageError(f"no {VALUE}"), StorageError), (ValueError(f"bad {VALUE}"), ReconcileError)]
)
def test_neither_the_error_nor_what_is_behind_it_shows_a_value(raised: Exception, kind: type[FinetuneError]) -> None:
    def fail() -> None:
        try:
            raise OSError(f"driver: {VALUE}")
        except OSError as error:
            raise raised from error

    with pytest.raises(kind) as caught, hiding({VALUE: "***"}):
        fail()
    printed = "".join(traceback.format_exception(caught.value))
    assert "***" in printed and VALUE not in printed


def test_without_secrets_errors_are_left_alone() -> None:
    with pytest.raises(ValueError, match="as it was"), hiding({"": "***"}):
        raise ValueError("as it was")
