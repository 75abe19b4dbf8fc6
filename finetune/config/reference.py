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
- `${zenml:SECRET.KEY}` (ZenML's secret store) and `${aws:SECRET.KEY}` (AWS Secrets Manager; `${aws:SECRET}` where the
  secret is one text) may stand only in the keys marked *secret* ([how](how-it-works.md#secrets)).
- `--set train.epochs=1` on the command line wins over the file.
- Relative paths start at the folder in which run.py is called.

This page is written by `python -m finetune.config.reference`.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(_section("", ExperimentConfig, ExperimentConfig.__doc__ or ""))


def _section(name: str, model: type[BaseModel], text: str) -> Iterator[str]:
    below = {key: _model_of(field) for key, field in model.model_fields.items()}
    yield f"\n## {name or 'Top level'}\n\n{text.strip()}\n\n"
    rows = [_row(key, field) for key, field in model.model_fields.items() if below[key] is None]
    if rows:
        yield "| key | default | meaning |\n| --- | --- | --- |\n" + "".join(rows)
    for section in dict.fromkeys(each for each in below.values() if each is not None):
        keys = [key for key, each in below.items() if each is section]
        heading = ", ".join(f"`{_below(name, key)}:`" for key in keys)
        yield from _section(heading, section, section.__doc__ or "")


def _below(name: str, key: str) -> str:
    return f"{name.strip('`:')}.{key}" if name else key


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that stands at a key, which may be optional."""
    kinds = spot(field.annotation).types
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


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
