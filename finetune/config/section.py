"""What all sections share: they are frozen and refuse keys that they do not know."""

import re
import warnings
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

SECRET_MARK = "secret"

Secret = Annotated[str, SECRET_MARK]
"""A string that may hold references; they stay references in the resolved config and are read where they are used."""

REFERENCE = re.compile(
    r"\$\{(?:env:(?P<env>[A-Za-z_][A-Za-z0-9_]*)"
    r"|zenml:(?P<zenml>[A-Za-z0-9_.-]+)\.(?P<zenml_key>[A-Za-z0-9_-]+)"
    r"|aws:(?P<aws>[A-Za-z0-9/_+=.@-]+?)(?:\.(?P<aws_key>[A-Za-z0-9_-]+))?)\}"
)
"""A reference to a variable of the environment, to a key of a secret in ZenML's store, or to a secret of AWS Secrets
Manager: one of its keys, or the whole of it. The key is what follows the last dot."""

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

    def __init_subclass__(cls, **settings: Any) -> None:
        """Lets a section have a key `register`: it hides what classes inherit from ABCMeta, and no section needs."""
        warnings.filterwarnings("ignore", message='Field name "register"')
        super().__init_subclass__(**settings)
