"""`reconcile:` says which files each id must have at home, and how they get there."""

from pydantic import Field

from finetune.config.section import FileName, Section


class ReconcileConfig(Section):
    """How raw data comes into the experiment home."""

    files_at_home: list[FileName] | None = None
    """Files that each id must have afterwards; default: files_from_production."""
    overwrite: bool = False
    """Copy and process again what is there already."""
    workers: int = Field(default=8, ge=1)
    """Threads that copy at the same time."""
