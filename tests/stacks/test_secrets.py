"""References that a job on AWS could not fill in."""

from typing import Any

import pytest

from finetune.config.experiment import ExperimentConfig
from finetune.errors import ConfigError
from stacks.files import load_stack
from stacks.place import place
from stacks.secrets import check_references
from stacks.values import Values


@pytest.fixture
def values() -> Values:
    found = load_stack("rehearsal").values
    assert found is not None
    return found


def config(**labels: Any) -> ExperimentConfig:
    source = {"labels": {"query": "SELECT 1", **labels}, "files": "s3://a/b", "files_from_production": ["a"]}
    return ExperimentConfig.model_validate({"experiment": "EXP-1-a", "functions": "a", "production": source})


def test_a_variable_in_a_key_for_secrets_is_refused_on_aws_with_what_to_do(values: Values) -> None:
    used = config(url="postgresql://me:${env:PW}@h/db", params={"team": "${env:TEAM}"})
    with pytest.raises(ConfigError) as caught:
        check_references(used, values)
    first, second = str(caught.value).splitlines()
    assert first.startswith("production.labels.url: ${env:PW} is a variable of this machine, which a job on AWS does")
    assert second.startswith("production.labels.params.team: ${env:TEAM} is a variable of this machine")
    assert "zenml secret create" in first and "aws secretsmanager create-secret" in first
    check_references(used, None)


def test_a_database_of_this_machine_that_the_stack_replaces_may_be_named_by_a_variable(values: Values) -> None:
    used = config(url="sqlite:///${env:HOME}/labels.db")
    check_references(place(used, root="s3://a/b", production="s3://a/c"), values)


def test_secrets_that_the_role_may_read_pass_and_others_are_refused(values: Values) -> None:
    check_references(config(url="postgresql://me:${aws:finetune/db.pw}@h/db", params={"a": "${zenml:a.b}"}), values)
    other = config(url="${aws:prod/db.url}")
    for named, words in (("finetune/*", "which is finetune/*"), (None, "which is not set")):
        with pytest.raises(ConfigError, match="production.labels.url: .*values.secrets of the stack file") as caught:
            check_references(other, values.model_copy(update={"secrets": named}))
        assert words in str(caught.value)
    check_references(other, values.model_copy(update={"secrets": "prod/db"}))
