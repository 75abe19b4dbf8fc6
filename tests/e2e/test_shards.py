"""The pipeline finetune in groups gives what it gives in one piece, also when it is killed and resumed."""

import os
import signal
import time

from tests.e2e.workbench import Workbench

SLOWLY = """
import time

_encode = encode_data


def encode_data(instance, label2id, model):
    time.sleep(0 if Path(__file__).with_name("quick").exists() else 0.25)
    return _encode(instance, label2id, model)
"""


def test_groups_that_are_killed_and_resumed_give_the_dataset_that_one_piece_gives(bench: Workbench) -> None:
    whole = bench.warm_run()
    assert whole.code == 0, whole.said
    bench.functions.write_text(bench.functions.read_text(encoding="utf-8") + SLOWLY, encoding="utf-8")
    bench.config["prepare"]["shards"] = {"groups": 2, "part_mb": 1}
    bench.write_config()
    process = bench.start()
    parts = bench.home / "data" / "parts"
    until = time.monotonic() + 200
    while not list(parts.glob("*.json")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate()
    assert list(parts.glob("*.json")), said
    bench.functions.with_name("quick").touch()
    resumed = bench.warm_run("resume", bench.experiment, "2", "--root", str(bench.home.parent))
    assert resumed.code == 0, resumed.said
    assert "encode group 0: 1 part of 2 done before" in resumed.said
    # train takes its input by content: the dataset is the same, and so is what prepare told of it
    assert "merge" in resumed.out and "train cached, evaluate cached" in resumed.out
    assert list(parts.iterdir()) == []
    at_once = bench.warm_run("--set", "prepare.shards.parallel=2")
    assert at_once.code == 0, at_once.said
    print(at_once.said)
    assert "train cached, evaluate cached" in at_once.out


def test_a_column_that_is_not_there_is_refused(bench: Workbench) -> None:
    bench.config["prepare"]["shards"] = {"groups": 2, "by": "patient"}
    bench.write_config()
    ended = bench.warm_run()
    assert ended.code == 2, ended.said
    assert "prepare.shards.by: must be a column of the labels (guid, label), but got 'patient'" in ended.said
