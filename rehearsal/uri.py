"""Addresses in S3, and where an object lies once its prefix is a folder. Pure."""

from pathlib import PurePosixPath
from urllib.parse import urlparse


def split(uri: str) -> tuple[str, str]:
    """s3://bucket/key as bucket and key."""
    parts = urlparse(uri)
    return parts.netloc, parts.path.lstrip("/")


def file_name(key: str, prefix: str) -> str:
    """Where the object lies in the folder that its prefix is downloaded to; "" for a marker of a folder."""
    if key.endswith("/"):
        return ""
    if key == prefix:
        return PurePosixPath(key).name
    base = prefix if prefix.endswith("/") or key.startswith(prefix + "/") else prefix.rpartition("/")[0]
    return key[len(base) :].lstrip("/")
