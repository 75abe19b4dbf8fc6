"""The project's way from one place in S3 to another: listing, plan, copy, a batch at a time.

As reconcile goes it, but for the selection, which needs the whole listing; without it, what is listed is copied while
the rest is listed.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from finetune.config.reconcile import ReconcileConfig
from finetune.experiment import Home
from finetune.reconcile.bringing import BATCH
from finetune.reconcile.journal import open_journal
from finetune.reconcile.label_rows import chunks
from finetune.reconcile.parallel import ahead
from finetune.reconcile.transfer import Item, Source, Transfer
from finetune.storage.digest import Digest
from finetune.storage.storage import storage_of
from finetune.storage.uri import join

NAME = "t"


def bring_home(production: str, root: str, told: Mapping[str, Digest] | None = None) -> dict[str, int]:
    """Copies each `<id>/t` of production into the experiment home below `root`; gives how many by decision.

    Each file is checked against the hash that is told of its id, as a database tells one, else against the MD5 that
    production's listing tells.

    Raises:
        FinetuneError: A file could not be copied.
    """
    home = Home(root, "EXP-1-benchmark")
    decisions: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as scratch,
        home.storage.locked(str(home.lock), "the home") as lock,
        open_journal(home, "") as journal,
        ThreadPoolExecutor(ReconcileConfig().threads(root)) as pool,
    ):
        places = (home.storage, production, str(home.reconciled), scratch)
        transfer = Transfer(*places, [NAME], [NAME], None, False, journal, lock, pool, decisions)
        batches = chunks(_items(production, told or {}), BATCH)
        for batch, there in ahead((batch, transfer.look(batch)) for batch in batches):
            transfer.bring_home(batch, there)
        transfer.refuse_failures()
    return dict(decisions)


def wrong_or_missing(root: str, folder: Path) -> int:
    """How many files at home are not there or have another content than those in a local folder of the same ids."""
    listed = storage_of(root).list_ids(str(Home(root, "EXP-1-benchmark").reconciled), [NAME])
    there = {guid: files[0].digest for guid, files in listed if files}
    return sum(there.get(path.name) != Digest.of_file(path / NAME, "md5") for path in folder.iterdir())


def _items(production: str, told: Mapping[str, Digest]) -> Iterator[Item]:
    for guid, files in storage_of(production).list_ids(production, [NAME]):
        for file in files:
            if file.digest is None:
                raise ValueError(f"{guid}/{file.name}: the server tells no MD5 of it")
            digest = told.get(guid, file.digest)
            yield {"guid": guid}, [Source(join(production, guid, file.name), file.size, file.version, digest, "etag")]
