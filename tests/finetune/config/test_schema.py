from pathlib import Path

import jsonschema
import pytest
import yaml

from finetune.config.schema import SCHEMA_FILE, schema_json

SCHEMA = yaml.safe_load(schema_json())
VALID = {
    "experiment": "EXP-1-small",
    "functions": "small",
    "production": {"labels": {"file": "a.csv"}, "files": "raw", "files_from_production": ["a.txt"]},
}


def accepts(config: object) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(config))


def test_the_schema_file_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_json(), "run python -m finetune.config.schema"


def test_the_schema_is_one_of_its_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_valid_config_is_accepted_and_a_wrong_one_is_not() -> None:
    assert accepts(VALID)
    assert not accepts(VALID | {"train": {"epoch": 1}})
    assert not accepts(VALID | {"train": {"epochs": 0}})


def test_required_keys_are_asked_for_unless_another_config_is_extended() -> None:
    assert not accepts({"train": {"epochs": 1}})
    assert not accepts(VALID | {"production": {"labels": {"file": "a.csv"}}})
    assert accepts({"extends": "base.yaml", "production": {"sample": "small"}})
    assert not accepts({"extends": "base.yaml", "production": {"smaple": "small"}})


def test_keys_are_described() -> None:
    assert SCHEMA["$defs"]["TrainConfig"]["properties"]["early_stopping"]["description"]


@pytest.mark.parametrize("path", sorted(SCHEMA_FILE.parent.glob("EXP-*.yaml")), ids=lambda path: path.name)
def test_every_config_matches_the_schema_and_names_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    jsonschema.validate(yaml.safe_load(text), SCHEMA, cls=jsonschema.Draft202012Validator)
