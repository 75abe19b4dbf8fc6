"""What all sections share: they are frozen and refuse keys that they do not know."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

SECRET_MARK = "secret"

Secret = Annotated[str, SECRET_MARK]
"""A string that may hold `${env:NAME}`; it stays one in the resolved config and is read where it is used."""

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
"""A reference to a variable of the environment; its group is the name."""

FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00.][^/\\\x00]*$", max_length=255)]
"""A plain file name: no folder, not hidden."""


class Section(BaseModel):
    """Base of every section of a config."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # No silent conversions: `epochs: yes` is not 1, and what the JSON Schema accepts is what loads.
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )
