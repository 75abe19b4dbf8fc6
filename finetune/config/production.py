"""`production:` says where labels and raw files come from. They are read, never written."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from finetune.config.section import REFERENCE, FileName, Secret, Section

GROUP = "group://"
GROUP_NAME = r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}"
RECORD = "features.json"
"""The file of an id that is fetched from a feature group."""
# Stands for a reference's value while a URL is taken apart; digits, so that it may be a port.
_UNKNOWN = "9173504628"


class LabelsConfig(Section):
    """Labels: from a database (`url` and `query`) or a `file`; both give the columns guid and label."""

    url: Secret | None = None
    """SQLAlchemy URL such as `sqlite:///labels.db`, or an SQLite file in S3, `s3://bucket/labels.db`; a password in it
    must be a reference: `postgresql://reader:${aws:prod/labels.password}@db.internal/labels`."""
    query: str | None = None
    """SELECT that returns guid and label; further columns reach process_func and `prepare.split.by`."""
    params: dict[str, Secret] = Field(default_factory=dict)
    """Values bound to `:name` in the query; each name must stand there."""
    file: str | None = None
    """A CSV or Parquet file, local or in S3, with the columns guid and label."""
    hash: str | None = None
    """Column with the content hash of each id's one file, so that files need not be read to find duplicates: the digits
    of a SHA-256, SHA-1, MD5 or CRC-64/NVME, or `<kind>:<digits>`. A copy is checked against it."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.url is None) == (self.file is None):
            raise ValueError("must have either url (with query) or file")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together")
        if self.url is not None and not REFERENCE.fullmatch(self.url):
            _refuse_clear_password(self.url)
        if self.file is not None and not self.file.endswith((".csv", ".parquet")):
            raise ValueError(f"file must end in .csv or .parquet, but got {self.file!r}")
        return self


def _refuse_clear_password(url: str) -> None:
    # Imported here: it takes a third of the time of a config check, and labels in a file do not need it.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(REFERENCE.sub(_UNKNOWN, url))
    except (ArgumentError, ValueError):
        raise ValueError("url must be a SQLAlchemy URL such as sqlite:///labels.db") from None
    asked = [parsed.password, *(parsed.normalized_query.get("password", ()))]
    if any((password or "").replace(_UNKNOWN, "") for password in asked):
        raise ValueError(
            "url holds a password in clear: put it into a secret store and write ${zenml:SECRET.KEY} or "
            "${aws:SECRET.KEY}, or into a variable and write ${env:NAME}"
        )


class ProductionConfig(Section):
    """Where an experiment's labels and files come from."""

    labels: LabelsConfig
    files: str
    """Folder, or `s3://bucket/prefix`, that holds one folder per artifact id: `<files>/<guid>/<file>`. Or `group://NAME`:
    each id's file is `features.json`, its record of that feature group at the time that the labels tell."""
    files_from_production: list[FileName] = Field(min_length=1)
    """Names of the files to copy for each id."""
    sample: str | None = None
    """Name of an experiment whose sample.py builds this source once, if it is absent (examples only)."""

    @property
    def group(self) -> str | None:
        """Name of the feature group that the files are fetched from; None where they are files already."""
        return self.files.removeprefix(GROUP) if self.files.startswith(GROUP) else None

    @field_validator("files")
    @classmethod
    def _names_a_group(cls, files: str) -> str:
        if files.startswith(GROUP) and not re.fullmatch(GROUP_NAME, files.removeprefix(GROUP)):
            raise ValueError(f"files must be {GROUP} and the name of a feature group, but got {files!r}")
        return files

    @model_validator(mode="after")
    def _a_record_is_one_file(self) -> Self:
        if self.group is not None and self.files_from_production != [RECORD]:
            raise ValueError(f"files_from_production must be [{RECORD}] where files is a feature group")
        return self

    @model_validator(mode="after")
    def _one_hash(self) -> Self:
        if self.labels.hash is not None and len(self.files_from_production) > 1:
            raise ValueError(
                f"labels.hash tells the hash of one file, but files_from_production has "
                f"{len(self.files_from_production)}: leave labels.hash out"
            )
        return self
