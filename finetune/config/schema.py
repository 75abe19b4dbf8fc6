"""The JSON Schema that editors complete configs from; `python -m finetune.config.schema` writes it.

It knows types, ranges and keys. Rules that join several keys are checked at load only, and so are
references to the environment in place of a number.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from finetune.config.experiment import ExperimentConfig
from finetune.config.sources import EXTENDS

SCHEMA_FILE = Path(__file__).parents[2] / "configs" / "schema.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_json() -> str:
    """Return the schema as JSON text (draft 2020-12)."""
    schema = ExperimentConfig.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        section.pop("required", None)
    description = "A config, relative to this one, over which this one is laid."
    schema["properties"] = {EXTENDS: {"type": "string", "description": description}} | schema["properties"]
    # A config that extends another may leave to it what is required.
    schema["anyOf"] = [{"required": [EXTENDS]}, _required(ExperimentConfig)]
    return json.dumps({"$schema": DRAFT, **schema}, indent=2, ensure_ascii=False) + "\n"


def _required(model: type[BaseModel]) -> dict[str, Any]:
    """Return a schema that asks only for the required keys of a model and of its sections."""
    below = {
        name: _required(field.annotation)
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    names = [name for name, field in model.model_fields.items() if field.is_required()]
    asked: dict[str, Any] = {"required": names} if names else {}
    properties = {name: schema for name, schema in below.items() if schema}
    return asked | ({"properties": properties} if properties else {})


def main() -> None:
    """Write configs/schema.json."""
    SCHEMA_FILE.write_text(schema_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
