"""Refuses files at home that are gone, or that have another content now than reconcile left there."""

from collections.abc import Collection, Iterator, Sequence

from finetune.errors import PrepareError
from finetune.experiment import Home
from finetune.reconcile.manifest import Manifest
from finetune.storage.digest import Digest
from finetune.storage.plan import Copy
from finetune.storage.uri import join
from finetune.words import counted

ADVICE = "start again with --no-cache, and reconcile brings back what production has"


def check_at_home(manifest: Manifest, home: Home, guids: Sequence[str], files_at_home: Sequence[str]) -> None:
    """Looks at the files of some ids; those that were written after reconcile had ended are read and compared.

    Args:
        manifest: What reconcile left there.
        home: The experiment home.
        guids: The ids.
        files_at_home: The names of the files of each.

    Raises:
        PrepareError: Names the first file that is gone, or has another content.
    """
    folder = str(home.reconciled)
    gone, newer = home.storage.gone_and_newer(folder, guids, files_at_home, str(home.complete))
    if gone:
        raise PrepareError(
            f"{counted(len(gone), 'file')} of the manifest gone from {folder}, for example {gone[0]}; {ADVICE}"
        )
    edited = list(_edited(manifest, home, set(newer))) if newer else []
    if edited:
        raise PrepareError(
            f"{counted(len(edited), 'file')} in {folder} changed after reconcile had checked them, for example "
            f"{edited[0]}; mend the file in production, not its copy, and {ADVICE}"
        )


def _edited(manifest: Manifest, home: Home, newer: Collection[str]) -> Iterator[str]:
    for row in manifest.rows(["path", "size", "hash"]):
        if row["path"] in newer:
            place = join(str(home.reconciled), row["path"])
            if not home.storage.holds(place, Copy("", place, row["size"], "", Digest.parse(row["hash"]))):
                yield row["path"]
