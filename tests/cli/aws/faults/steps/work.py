"""Steps that come to grief, each in its own way."""

import time
from pathlib import Path
from typing import Annotated

from zenml import step

from finetune.storage.storage import storage_of


@step
def hungry() -> Annotated[int, "eaten"]:
    """Takes more memory than its machine has."""
    print("hungry is at work", flush=True)
    eaten = bytearray(2500 << 20)
    for page in range(0, len(eaten), 4096):
        eaten[page] = 1
    time.sleep(60)
    return len(eaten)


@step
def full() -> Annotated[int, "written"]:
    """Writes more than its disk holds."""
    return Path("/opt/ml/model/weights").write_bytes(bytes(90 << 20))


@step
def late() -> Annotated[int, "slept"]:
    """Takes longer than it may."""
    time.sleep(600)
    return 600


@step
def poor() -> Annotated[int, "number"]:
    """Gets no machine."""
    return 1


@step
def expiring(place: str) -> Annotated[int, "reads"]:
    """Reads from S3 as long as it may."""
    storage_of(place).read(place)
    print("it may read", flush=True)
    while True:
        storage_of(place).read(place)
        time.sleep(0.5)
