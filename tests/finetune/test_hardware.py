import os
from pathlib import Path

import pytest

from finetune import hardware as rooms
from finetune.hardware import hardware


def test_it_tells_cores_and_memory_of_this_machine() -> None:
    parts = hardware().split(", ")
    assert parts[0] and f"{os.cpu_count()} cores" in parts
    (memory,) = [part for part in parts if part.endswith(" GiB")]
    told = Path("/proc/meminfo").read_text().split()[1]
    assert float(memory.split()[0]) == pytest.approx(int(told) / 2**20, abs=1)


def test_gpus_are_counted_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, model in enumerate(["NVIDIA A10G", "NVIDIA A10G", "NVIDIA T4"]):
        folder = tmp_path / f"0000:{number:02}:00.0"
        folder.mkdir()
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 42\nGPU UUID: \t GPU-1\n")
    monkeypatch.setattr(rooms, "GPUS", tmp_path)
    assert hardware().endswith(" GiB, 2 x NVIDIA A10G, 1 x NVIDIA T4")
