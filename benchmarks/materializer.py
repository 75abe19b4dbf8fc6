"""Measures saving and loading a 1 GB DatasetDict against ZenML's own materializer, and on S3 against `s5cmd cp`.

Local: this project's materializer and ZenML's Hugging Face one store and load the same rows in a local artifact store.
S3: this project's stores and loads them on a SeaweedFS on loopback, with its own writing of Arrow files; s5cmd copies a
folder of the finished files there and back. Both pairs take turns; medians of five.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks.figure import Figure, at_least, json_line
from benchmarks.object_store import account, binary, seaweedfs
from benchmarks.workspace import note
from cli.environment import quiet_defaults

if TYPE_CHECKING:
    from datasets import DatasetDict

GOAL_LOCAL, GOAL_S3 = 0.5, 0.8
REPEATS = 5
BUCKET = "bench"
ROWS, TOKENS = 250_000, 512
"""Rows of token ids (int32) and mask (int32), so 1.02 GB."""


def main() -> None:
    quiet_defaults()
    sides: dict[str, list[float]] = {"ours": [], "zenml": [], "ours_s3": [], "s5cmd": []}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        os.environ["ZENML_CONFIG_PATH"] = str(folder / "zenml")
        data = dataset()
        for turn in range(REPEATS):
            for side in ("ours", "zenml") if turn % 2 == 0 else ("zenml", "ours"):
                sides[side].append(local_side(side, data, folder))
                note(f"{side}: {sides[side][-1]:.2f} s")
        for turn in range(REPEATS):
            for side in ("ours_s3", "s5cmd") if turn % 2 == 0 else ("s5cmd", "ours_s3"):
                with empty_bucket(folder):
                    work = s3_side if side == "ours_s3" else s5cmd_side
                    sides[side].append(work(data, folder))
                note(f"{side}: {sides[side][-1]:.2f} s")
    seconds = {side: median(each) for side, each in sides.items()}
    of_zenml = seconds["ours"] / seconds["zenml"]
    print(
        json_line(
            "materializer",
            Figure(of_zenml, "of the time of ZenML's materializer", f"at most {GOAL_LOCAL:g}", of_zenml <= GOAL_LOCAL),
            {"s3": at_least(seconds["s5cmd"] / seconds["ours_s3"], GOAL_S3, "of s5cmd's speed")},
            seconds={side: round(each, 2) for side, each in seconds.items()},
            gigabytes=round(sum(each.data.nbytes for each in data.values()) / 1e9, 2),
        )
    )


def dataset() -> "DatasetDict":
    """1 GB of token ids in memory: no disk is used for it, and none read while it is stored."""
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset, DatasetDict

    values = np.random.default_rng(7).integers(0, 30_000, ROWS * TOKENS, dtype=np.int32)
    offsets = np.arange(0, ROWS * TOKENS + 1, TOKENS, dtype=np.int32)
    ids = pa.ListArray.from_arrays(offsets, values)
    mask = pa.ListArray.from_arrays(offsets, np.ones(ROWS * TOKENS, dtype=np.int32))
    table = pa.table({"input_ids": ids, "attention_mask": mask, "labels": pa.array(np.arange(ROWS) % 4)})
    whole = Dataset(table)
    cuts = {"train": (0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}
    return DatasetDict({split: whole.select(range(int(a * ROWS), int(b * ROWS))) for split, (a, b) in cuts.items()})


def local_side(side: str, data: "DatasetDict", folder: Path) -> float:
    """Seconds to save and load in a local artifact store."""
    from zenml.artifact_stores.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig

    from materializers.dataset import DatasetMaterializer

    place = folder / "store" / uuid4().hex
    place.mkdir(parents=True)
    store = component(LocalArtifactStore, LocalArtifactStoreConfig(path=str(folder / "store")), "local")
    if side == "ours":
        kind: Any = DatasetMaterializer
    else:
        from zenml.integrations.huggingface.materializers.huggingface_datasets_materializer import HFDatasetMaterializer

        kind = HFDatasetMaterializer
    with temporary(folder):
        seconds = timed(lambda: saved_and_loaded(kind(uri=str(place), artifact_store=store), data))
    shutil.rmtree(place)
    return seconds


@contextmanager
def empty_bucket(folder: Path) -> Iterator[None]:
    """A server of its own for each turn: what a turn stores is 1 GB, and leaves with it."""
    from finetune.storage import client

    with tempfile.TemporaryDirectory(dir=folder) as name, seaweedfs(Path(name)) as address:
        os.environ.update(account(address))
        client._client.cache_clear()
        client.s3_client().create_bucket(Bucket=BUCKET)
        yield


def s3_side(data: "DatasetDict", folder: Path) -> float:
    """Seconds to save and load in an artifact store on S3."""
    from zenml.integrations.s3.artifact_stores.s3_artifact_store import S3ArtifactStore
    from zenml.integrations.s3.flavors.s3_artifact_store_flavor import S3ArtifactStoreConfig

    from materializers.dataset import DatasetMaterializer

    store = component(S3ArtifactStore, S3ArtifactStoreConfig.model_validate({"path": f"s3://{BUCKET}"}), "s3")
    materializer = DatasetMaterializer(uri=f"s3://{BUCKET}/{uuid4().hex}", artifact_store=store)
    with temporary(folder):
        return timed(lambda: saved_and_loaded(materializer, data))


def s5cmd_side(data: "DatasetDict", folder: Path) -> float:
    """Seconds in which s5cmd copies a folder of the same files to S3 and back."""
    with temporary(folder) as scratch:
        data.save_to_disk(scratch / "files")
        command = [binary("s5cmd"), "--log", "error", "cp"]

        def there_and_back() -> None:
            subprocess.run([*command, f"{scratch}/files/", f"s3://{BUCKET}/files/"], check=True)
            subprocess.run([*command, f"s3://{BUCKET}/files/*", f"{scratch}/back/"], check=True)

        return timed(there_and_back)


def saved_and_loaded(materializer: Any, data: "DatasetDict") -> None:
    from datasets import DatasetDict

    materializer.save(data)
    loaded = materializer.load(DatasetDict)
    if len(loaded["train"]) != len(data["train"]):
        raise RuntimeError("the loaded rows are not those that were saved")


def component(kind: Any, config: Any, flavor: str) -> Any:
    """An artifact store without a ZenML client."""
    from zenml.enums import StackComponentType

    now, role = datetime.now(UTC), StackComponentType.ARTIFACT_STORE
    about = {"name": "benchmark", "id": uuid4(), "flavor": flavor, "type": role, "user": None}
    return kind(config=config, created=now, updated=now, **about)


@contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """A folder for temporary files, which is gone afterwards: ZenML's materializer leaves what it loads there."""
    scratch = folder / "scratch"
    scratch.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    try:
        yield scratch
    finally:
        tempfile.tempdir = before
        shutil.rmtree(scratch)


def timed(work: Callable[[], None]) -> float:
    """Seconds of work, from a disk that has nothing left to write."""
    os.sync()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
