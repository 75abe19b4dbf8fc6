import pytest

from finetune.config.references import resolve
from finetune.errors import ConfigError


def test_references_are_replaced_at_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_USER", "me")
    monkeypatch.setenv("SOME_PW", "${env:SOME_USER}")
    assert resolve("db://${env:SOME_USER}:${env:SOME_PW}@h") == "db://me:${env:SOME_USER}@h"
    assert resolve("plain $HOME {x}") == "plain $HOME {x}"


def test_an_unset_variable_is_named_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    with pytest.raises(ConfigError) as caught:
        resolve("db://me:hunter2@${env:NOT_SET_HERE}")
    assert str(caught.value) == "${env:NOT_SET_HERE}: the variable NOT_SET_HERE is not set"


@pytest.mark.parametrize("text", ["hunter2${env:}", "hunter2${env:MY-NAME}", "hunter2${env:OPEN"])
def test_a_reference_of_a_wrong_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="must be") as caught:
        resolve(text)
    assert "hunter2" not in str(caught.value)
