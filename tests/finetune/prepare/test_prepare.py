import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import Features, Value

from finetune.errors import PrepareError
from finetune.prepare.prepare import Chosen, Preparation, choose, prepare
from finetune.reconcile.manifest import FileAtHome, Manifest, write_manifest
from finetune.words import counted

FEATURES = Features({"labels": Value("int64")})
LABELS = {"even": 40, "odd": 30, "rare": 4}

Choose = Callable[..., Chosen]
Prepare = Callable[..., tuple[datasets.DatasetDict, Preparation]]


def encode_label(instance: dict[str, str], label2id: Mapping[str, int], model: dict[str, Any]) -> dict[str, Any]:
    return {"labels": label2id[Path(instance["label.txt"]).read_text()], "truncated": "odd" in instance["label.txt"]}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    labels = {f"{label}{number:02}": label for label, count in LABELS.items() for number in range(count)}
    for guid, label in labels.items():
        (tmp_path / "home" / guid).mkdir(parents=True)
        (tmp_path / "home" / guid / "label.txt").write_text(label)
    files = {
        guid: [FileAtHome(f"{guid}/label.txt", 4, "ab", "x"), FileAtHome(f"{guid}/more.txt", 4, "ab", "x")]
        for guid in labels
    }
    rows = {guid: {"guid": guid, "label": label, "part": part(guid)} for guid, label in labels.items()}
    rows["gone"] = {"guid": "gone", "label": "odd", "part": None}
    return write_manifest(tmp_path / "manifest.parquet", rows=rows, kept=files, dropped={"gone": "no file"})


def part(guid: str) -> str:
    """A given split in which label rare is in train alone."""
    return "train" if guid.startswith("rare") else ("test", "validation", "train", "train")[int(guid[-2:]) % 4]


@pytest.fixture
def choose_from(manifest: Manifest) -> Choose:
    def choose_from(**changes: Any) -> Chosen:
        settings: dict[str, Any] = {
            "ignored_labels": [],
            "num_labels_threshold": 1,
            "max_per_label": None,
            "validation": 0.1,
            "test": 0.2,
            "seed": 42,
            "by": None,
        }
        return choose(manifest, **{**settings, **changes})

    return choose_from


@pytest.fixture
def prepare_from(tmp_path: Path) -> Prepare:
    def prepare_from(
        chosen: Chosen, encode_data: Callable[..., Any] = encode_label, processes: int = 1, batch_size: int = 20
    ) -> tuple[datasets.DatasetDict, Preparation]:
        shutil.rmtree(tmp_path / "scratch", ignore_errors=True)
        (tmp_path / "scratch").mkdir()
        return prepare(
            chosen,
            reconciled=tmp_path / "home",
            files_at_home=["label.txt"],
            encode_data=encode_data,
            features=FEATURES,
            model={},
            processes=processes,
            batch_size=batch_size,
            scratch=tmp_path / "scratch",
        )

    return prepare_from


def dropping(dropped: Sequence[str]) -> Callable[..., Any]:
    def encode_data(instance: dict[str, str], *rest: Any) -> Any:
        return None if Path(instance["label.txt"]).parent.name in dropped else encode_label(instance, *rest)

    return encode_data


def guids_of(chosen: Chosen, split: str, label: str = "") -> list[str]:
    return [guid for guid in chosen.guids if chosen.splits[guid] == split and guid.startswith(label)]


def test_each_id_is_chosen_once_and_dropped_ones_never(choose_from: Choose) -> None:
    chosen = choose_from()
    assert len(chosen.guids) == len(set(chosen.guids)) == sum(LABELS.values())
    assert chosen.guids == sorted(chosen.guids)
    assert chosen.names == ["even", "odd", "rare"]
    assert "gone" not in chosen.guids


def test_the_splits_hold_their_ids_in_order_and_the_preparation_counts_them(
    choose_from: Choose, prepare_from: Prepare
) -> None:
    chosen = choose_from()
    dataset, preparation = prepare_from(chosen)
    assert list(dataset) == ["train", "validation", "test"]
    for split, rows in dataset.items():
        assert rows["guid"][:] == guids_of(chosen, split)
        assert [chosen.names[index] for index in rows["labels"][:]] == [chosen.labels[guid] for guid in rows["guid"][:]]
    assert preparation.labels == ["even", "odd", "rare"]
    assert preparation.counts == {
        "train": {"even": 28, "odd": 21, "rare": 2},
        "validation": {"even": 4, "odd": 3, "rare": 1},
        "test": {"even": 8, "odd": 6, "rare": 1},
    }
    assert preparation.truncated == {"even": 0, "odd": 1, "rare": 0}
    assert preparation.rejected == []
    assert preparation.to_dict()["counts"] == preparation.counts


def test_two_processes_prepare_the_same_as_one(choose_from: Choose, prepare_from: Prepare) -> None:
    chosen = choose_from()
    one, first = prepare_from(chosen)
    rows = {split: part.to_list() for split, part in one.items()}
    two, second = prepare_from(chosen, processes=2)
    assert rows == {split: part.to_list() for split, part in two.items()}
    assert first == second


def test_rejected_ids_are_counted_and_several_examples_of_an_id_count_once(
    choose_from: Choose, prepare_from: Prepare
) -> None:
    def encode_data(*arguments: Any) -> Any:
        example = dropping(["even00", "odd29"])(*arguments)
        return None if example is None else [example, dict(example)]

    dataset, preparation = prepare_from(choose_from(), encode_data)
    assert preparation.rejected == ["even00", "odd29"]
    assert sum(len(part) for part in dataset.values()) == 2 * (sum(LABELS.values()) - 2)
    assert sum(sum(counts.values()) for counts in preparation.counts.values()) == sum(LABELS.values()) - 2


@pytest.mark.parametrize(
    "changes", [{"max_per_label": 10}, {"seed": 7}, {"ignored_labels": ["rare"]}, {"validation": 0.3}]
)
def test_an_id_never_leaves_or_enters_test(choose_from: Choose, changes: dict[str, Any]) -> None:
    full, changed = choose_from(), choose_from(**changes)
    assert all((full.splits[guid] == "test") == (split == "test") for guid, split in changed.splits.items())
    assert "max_per_label" in changes or set(guids_of(changed, "test", "odd")) == set(guids_of(full, "test", "odd"))


def test_ignored_and_small_labels_are_left_out_with_their_reason(choose_from: Choose) -> None:
    chosen = choose_from(num_labels_threshold=5)
    assert chosen.names == ["even", "odd"]
    assert chosen.left_out == {"rare": "below prepare.num_labels_threshold 5 (4 ids)"}


def test_a_limit_keeps_so_many_ids_of_each_label_in_all_splits(choose_from: Choose, prepare_from: Prepare) -> None:
    _, preparation = prepare_from(choose_from(max_per_label=10))
    sums = {label: sum(counts[label] for counts in preparation.counts.values()) for label in LABELS}
    assert sums == {"even": 10, "odd": 10, "rare": 4}


def test_an_unknown_column_for_the_split_names_those_that_there_are(choose_from: Choose) -> None:
    with pytest.raises(PrepareError, match=r"prepare.split.by: must be a further column of the labels \(part\).*'prt'"):
        choose_from(by="prt")


def test_a_label_without_ids_in_a_given_split_is_no_fault_of_encode_data(
    choose_from: Choose, prepare_from: Prepare
) -> None:
    _, preparation = prepare_from(choose_from(by="part"))
    assert preparation.counts["validation"]["rare"] == preparation.counts["test"]["rare"] == 0
    assert preparation.counts["train"]["rare"] == 4


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_label_that_loses_all_ids_of_a_split_is_named(choose_from: Choose, prepare_from: Prepare, split: str) -> None:
    chosen = choose_from()
    lost = guids_of(chosen, split, "rare")
    with pytest.raises(
        PrepareError, match=rf"every id of rare in the {split} split \({counted(len(lost), 'id')} dropped in all"
    ):
        prepare_from(chosen, dropping(lost))


def test_ids_that_are_all_lost_are_no_matter_of_labels(choose_from: Choose, prepare_from: Prepare) -> None:
    with pytest.raises(PrepareError, match="encode_data dropped all 74 ids; mend it"):
        prepare_from(choose_from(), lambda *arguments: None)


def test_another_label_than_the_manifests_is_refused(
    choose_from: Choose, prepare_from: Prepare, tmp_path: Path
) -> None:
    (tmp_path / "home" / "odd03" / "label.txt").write_text("even")
    with pytest.raises(PrepareError, match=r"1 examples differ: for id odd03 it must be 1 \(odd\), but is 0"):
        prepare_from(choose_from())
