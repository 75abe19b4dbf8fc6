"""A sample production source: every rule of ScanCode's LicenseDB as raw text, with its kind as label.

The data comes from the PyPI package licensedcode-data (ScanCode LicenseDB by nexB and others, CC-BY-4.0). Nothing is
added and nothing is cleaned: rules without a kind, equal texts and texts with conflicting kinds stay as they are.
"""

import hashlib
import importlib.util
import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

if __name__ == "__main__":  # of a file that is started, Python knows only the folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from finetune.storage.lock import locked
from finetune.storage.uri import is_s3

KINDS = ("notice", "reference", "text", "tag", "intro", "clue")
WANTED = re.compile(r"^(?:license_expression|category|key|is_license_\w+):.*$(?:\n[ \t]+.*$)*", re.MULTILINE)


class SampleRow(NamedTuple):
    """One artifact id of the sample: its label may be missing, as it may in a company's database."""

    guid: str
    label: str | None
    license_expression: str | None
    text: str


def build(folder: Path) -> None:
    """Writes all rules into `folder`: files/<guid>/raw_text.json and labels.db."""
    write_sample(folder, rules(), table="rules")


def rules() -> Iterator[SampleRow]:
    """Yields the 34,859 rules in order of their file names; guid is the file's name without its ending."""
    for path in sorted(licensedb_folder("rules").glob("*.RULE")):
        head, text = read_front_matter(path)
        kinds = [kind for kind in KINDS if head.get(f"is_license_{kind}")]
        label = kinds[0] if len(kinds) == 1 else None
        yield SampleRow(path.stem, label, head.get("license_expression"), text)


def licensedb_folder(name: str) -> Path:
    """Finds a folder of the installed LicenseDB without importing the package.

    Raises:
        FileNotFoundError: licensedcode-data is not installed.
    """
    spec = importlib.util.find_spec("licensedcode")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the sample's data is missing: pip install licensedcode-data==32.1.0")
    return Path(next(iter(spec.submodule_search_locations)), "data", name)


def read_front_matter(path: Path) -> tuple[dict[str, Any], str]:
    """Splits a LicenseDB file into the head's wanted keys and its body, without the white space around it."""
    _, head, body = path.read_text(encoding="utf-8").split("---", 2)
    wanted = "\n".join(WANTED.findall(head))  # the whole head takes ten times as long to parse
    return yaml.load(wanted, Loader=yaml.CSafeLoader) or {}, body.strip()


def write_sample(folder: Path, rows: Iterable[SampleRow], table: str) -> None:
    """Writes rows as flat files and a SQLite table; the folder appears complete or not at all.

    One process builds at a time, another one waits and finds the folder; what a killed one left is removed.
    """
    scratch = folder.with_name(f".{folder.name}.part")
    with locked(folder.with_name(f".{folder.name}.lock"), f"the sample {folder}"):
        if folder.exists():
            return
        shutil.rmtree(scratch, ignore_errors=True)
        hashed = ((row, _write_text(scratch / "files" / row.guid, row.text)) for row in rows)
        _write_labels(scratch / "labels.db", table, hashed)
        scratch.rename(folder)


def _write_text(folder: Path, text: str) -> str:
    content = json.dumps({"text": text}, ensure_ascii=False).encode()
    folder.mkdir(parents=True)
    (folder / "raw_text.json").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _write_labels(path: Path, table: str, rows: Iterable[tuple[SampleRow, str]]) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        columns = "guid TEXT PRIMARY KEY, label TEXT, file_hash TEXT NOT NULL, license_expression TEXT"
        database.execute(f"CREATE TABLE {table} ({columns})")
        values = ((row.guid, row.label, digest, row.license_expression) for row, digest in rows)
        database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", values)
    database.close()


def main(build_sample: Callable[[Path], None], default: str) -> None:
    """Builds the sample from the command line, into `--to PLACE`; for S3 it is built in its default folder first."""
    import argparse

    parser = argparse.ArgumentParser(description="Builds a sample production source from ScanCode's LicenseDB.")
    parser.add_argument("--to", default=default, metavar="PLACE", help=f"folder or s3://bucket/key; default: {default}")
    place = parser.parse_args().to.rstrip("/")
    folder = Path(default if is_s3(place) else place)
    if folder.exists() and not is_s3(place):
        parser.error(f"{folder} is there already; a sample is never touched after it was built")
    build_sample(folder)
    if is_s3(place):
        from finetune.errors import FinetuneError
        from finetune.storage.publish import publish

        try:
            publish(folder, place)
        except FinetuneError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main(build, default="outputs/production/license_mentions")
