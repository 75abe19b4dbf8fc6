"""The page that describes every config key, docs/config.md; `python -m finetune.config.reference` writes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from finetune.config.experiment import ExperimentConfig
from finetune.config.fields import spot

PAGE = Path(__file__).parents[2] / "docs" / "config.md"

HEAD = """\
# Config keys

One YAML file describes an experiment. Unknown keys are refused, and an error names file, line, key, rule and value.

- `extends: other.yaml` lays this file over another one: mappings are merged, everything else is replaced.
- `${env:NAME}` stands for an environment variable. In the keys marked *secret* it stays a reference in everything that
  is stored, and is read only where it is used; everywhere else it is filled in at load.
- `--set train.epochs=1` on the command line wins over the file.
- Relative paths start at the folder in which run.py is called.

This page is written by `python -m finetune.config.reference`.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(_section("", ExperimentConfig, ExperimentConfig.__doc__ or ""))


def _section(name: str, model: type[BaseModel], text: str) -> Iterator[str]:
    below = {key: field for key, field in model.model_fields.items() if _model_of(field) is not None}
    yield f"\n## {f'`{name}:`' if name else 'Top level'}\n\n{text.strip()}\n\n"
    rows = [_row(key, field) for key, field in model.model_fields.items() if key not in below]
    if rows:
        yield "| key | default | meaning |\n| --- | --- | --- |\n" + "".join(rows)
    for key, field in below.items():
        section = _model_of(field)
        if section is not None:
            yield from _section(f"{name}.{key}" if name else key, section, section.__doc__ or "")


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _row(key: str, field: FieldInfo) -> str:
    meaning = (field.description or "").replace("\n", " ").replace("|", "\\|")
    secret = " *(secret)*" if spot(field.annotation, field.metadata).hidden else ""
    return f"| `{key}` | {_default(field)} | {meaning}{secret} |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None else f"`{json.dumps(value)}`"


def main() -> None:
    """Write docs/config.md."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
