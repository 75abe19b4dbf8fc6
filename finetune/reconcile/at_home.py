"""Refuses files at home that are gone, or that have another content now than reconcile left there."""

from collections.abc import Collection, Iterator, Sequence

from finetune.errors import ReconcileError
from finetune.experiment import Home
from finetune.reconcile.manifest import Manifest
from finetune.storage.digest import Digest
from finetune.storage.plan import Copy
from finetune.storage.uri import join
from finetune.words import counted

SHOWN = 3
ADVICE = "start or resume a run: it reconciles again, which brings back what production has"


def refuse_changed(manifest: Manifest, home: Home, guids: Sequence[str], names: Sequence[str]) -> None:
    """Looks at files of some ids; those that were written after reconcile had ended are read and compared.

    A home that is refused is no longer marked as complete, so the next run of the experiment reconciles anew.

    Args:
        manifest: What reconcile left there.
        home: The experiment home.
        guids: The ids.
        names: The names of the files of each.

    Raises:
        ReconcileError: Files are gone, or have another content; names the first of them.
    """
    folder = str(home.reconciled)
    gone, newer = home.storage.gone_and_newer(folder, guids, names, str(home.complete))
    if gone:
        raise _refused(home, gone, f"of the manifest gone from {folder}", "")
    edited = list(_edited(manifest, home, set(newer))) if newer else []
    if edited:
        told = f"in {folder} changed after reconcile had checked them"
        raise _refused(home, edited, told, "copies are not for editing: change production instead; ")


def _edited(manifest: Manifest, home: Home, newer: Collection[str]) -> Iterator[str]:
    for row in manifest.rows(["path", "size", "hash"]):
        if row["path"] in newer:
            place = join(str(home.reconciled), row["path"])
            if not home.storage.holds(place, Copy("", place, row["size"], "", Digest.parse(row["hash"]))):
                yield row["path"]


def _refused(home: Home, places: Sequence[str], told: str, advice: str) -> ReconcileError:
    home.storage.delete(str(home.complete))
    first = ", ".join(places[:SHOWN])
    more = f"for example {first}" if len(places) > SHOWN else first
    return ReconcileError(f"{counted(len(places), 'file')} {told}: {more}; {advice}{ADVICE}")
