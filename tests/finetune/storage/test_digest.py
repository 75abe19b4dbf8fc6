"""Content hashes, their text form, and what an ETag tells."""

from pathlib import Path

import pytest

from finetune.errors import StorageError
from finetune.storage.digest import DIGITS, Digest, new_hasher

CHECK = {
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "md5": "25f9e794323b453885f5181f1b624d0b",
    "crc64nvme": "ae8b14860a799888",
}


@pytest.mark.parametrize("kind", DIGITS)
def test_each_kind_has_its_published_check_value(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123456789")
    assert Digest.of_bytes(b"123456789", kind) == Digest.of_file(tmp_path / "a", kind) == Digest(kind, CHECK[kind])
    assert len(CHECK[kind]) == DIGITS[kind]


@pytest.mark.parametrize("kind", DIGITS)
def test_the_text_form_is_read_back(kind: str) -> None:
    digest = Digest(kind, CHECK[kind])
    assert Digest.parse(str(digest)) == Digest.parse(f" {str(digest).upper()} ") == digest
    assert str(digest).startswith(kind) == (kind != "sha256")


@pytest.mark.parametrize("text", ["", "abc", "md5:abc", "g" * 64, "crc32:00000000", "a" * 32, f"sha256:{'-' * 64}"])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(StorageError, match="must be a content hash"):
        Digest.parse(text)


def test_an_etag_of_parts_is_no_hash() -> None:
    assert Digest.of_etag(f'"{CHECK["md5"]}"') == Digest("md5", CHECK["md5"])
    assert Digest.of_etag(f'"{CHECK["md5"]}-2"') is None


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(StorageError, match="must be sha256 or sha1 or md5 or crc64nvme, but got 'crc32'"):
        new_hasher("crc32")
