"""A sample production source: the 2,310 licence texts of ScanCode's LicenseDB, with their category as label.

The data comes from the PyPI package licensedcode-data (ScanCode LicenseDB by nexB and others, CC-BY-4.0).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":  # of a file that is started, Python knows only the folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.license_mentions.sample import (
    SampleRow,
    licensedb_folder,
    main,
    read_front_matter,
    write_sample,
)


def build(folder: Path) -> None:
    """Writes all licences into `folder`: files/<guid>/raw_text.json and labels.db."""
    write_sample(folder, licenses(), table="licenses")


def licenses() -> Iterator[SampleRow]:
    """Yields the licences in order of their file names; guid is the licence's key."""
    for path in sorted(licensedb_folder("licenses").glob("*.LICENSE")):
        head, text = read_front_matter(path)
        yield SampleRow(path.stem, head.get("category"), head.get("key"), text)


if __name__ == "__main__":
    main(build, default="outputs/production/license_category")
