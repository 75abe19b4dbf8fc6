"""`storage:` says how S3 is spoken to, where it is not spoken to as usual."""

from typing import Annotated

from pydantic import StringConstraints

from finetune.config.section import Section
from finetune.storage.options import variables


class StorageConfig(Section):
    """S3, wherever production, experiment home or labels lie there."""

    endpoint_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+(/\S*)?$")] | None = None
    """Server that speaks S3 in place of AWS's own: `https://minio.example.com`."""
    kms_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:/_+=,.@-]+$")] | None = None
    """Key of AWS KMS (id, alias or ARN) with which S3 encrypts what is written; default: as the bucket does."""
    requester_pays: bool = False
    """This account pays for requests to buckets of others that ask for it."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables by which every process and job of a run knows it."""
        return variables(self.endpoint_url, self.kms_key, self.requester_pays)
