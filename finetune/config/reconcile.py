"""`reconcile:` says which files each id must have at home, and how they get there."""

from pydantic import Field

from finetune.config.section import FileName, Section
from finetune.storage.uri import is_s3

ON_DISK, IN_S3 = 8, 32


class ReconcileConfig(Section):
    """How raw data comes into the experiment home."""

    files_at_home: list[FileName] | None = None
    """Files that each id must have afterwards; default: files_from_production."""
    overwrite: bool = False
    """Copy and process again what is there already."""
    workers: int | None = Field(default=None, ge=1)
    """Threads that copy at the same time; default: 8, and 32 where files come from S3 or go there."""

    def threads(self, *places: object) -> int:
        """Threads for copying between these places: requests to S3 are waited for."""
        return self.workers or (IN_S3 if any(is_s3(place) for place in places) else ON_DISK)
