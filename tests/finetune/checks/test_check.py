"""The checks of a whole dataset: a home with texts, a manifest and a split."""

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.checks.check import Checks
from finetune.config.checks import ChecksConfig
from finetune.errors import CheckError
from finetune.prepare.prepare import Chosen
from finetune.reconcile.manifest import FileAtHome, Manifest, write_manifest
from finetune.reconcile.snapshot import Snapshot, take_snapshot

TEXTS = {
    "a1": ("train", "x", "one", "the quick brown fox jumps over the lazy dog today"),
    "a2": ("train", "y", "one", "an entirely other text about licences of programs and their terms"),
    "A1": ("test", "y", "two", "The quick brown fox jumps over the lazy dog today"),
    "b2": ("test", "y", "one", "nothing of this kind was ever seen in train before now"),
    "b3": ("validation", "x", "", ""),
}
LABELS = {"counts": {"x": 200, "y": 100}, "earlier": {"run": 3, "counts": {"x": 100, "y": 200}}}


class Place:
    """What the checks are made of."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        for guid, (_, _, _, text) in TEXTS.items():
            (self.home / guid).mkdir(parents=True)
            (self.home / guid / "text.json").write_text(json.dumps({"text": text}))
        rows = [{"guid": guid, "label": label, "owner": owner} for guid, (_, label, owner, _) in TEXTS.items()]
        files = {guid: [FileAtHome(f"{guid}/text.json", 0 if guid == "b3" else 9, "", "production")] for guid in TEXTS}
        self.manifest: Manifest = write_manifest(
            folder / "manifest.parquet", rows={row["guid"]: row for row in rows}, kept=files, dropped={}
        )
        target = folder / "production.parquet"
        self.production: Snapshot = take_snapshot(rows, folder=str(self.home), names=["text.json"], target=target)

    def statuses(self, text: str | None = "text.json", by: str | None = None, **settings: Any) -> dict[str, Any]:
        """Each finding by its name."""
        chosen = Chosen(
            guids=sorted(TEXTS),
            labels={guid: label for guid, (_, label, _, _) in TEXTS.items()},
            splits={guid: split for guid, (split, *_) in TEXTS.items()},
            names=["x", "y"],
            left_out={},
        )
        checks = Checks(
            self.production,
            self.manifest,
            chosen,
            LABELS,
            settings=ChecksConfig.model_validate(settings),
            by=by,
            reconciled=self.home,
            text=text,
        )
        return {finding.check: finding for finding in checks.findings()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("place"))


def test_without_a_section_everything_is_looked_at_and_only_warned_of(place: Place) -> None:
    found = place.statuses()
    assert {name: each.status for name, each in found.items()} == dict.fromkeys(
        ("drift", "texts", "near_duplicates", "leakage"), "warned"
    )
    assert found["drift"].number == pytest.approx(1 / 3) and "run 3" in found["drift"].told
    assert (found["texts"].number, found["texts"].examples) == (1 / 5, ["b3"])
    assert (found["near_duplicates"].number, found["near_duplicates"].examples) == (1 / 2, ["A1 (as a1)"])
    assert "1 of them one with another label" in found["near_duplicates"].told
    assert (found["leakage"].number, found["leakage"].examples) == (1 / 3, ["A1"])


def test_a_check_that_is_ignored_is_not_made_and_one_that_fails_says_so(place: Place) -> None:
    ignored = {name: {"severity": "ignore"} for name in ("drift", "texts", "leakage")}
    found = place.statuses(
        **ignored, near_duplicates={"severity": "fail"}, labels={"columns": {"owner": {"nulls": False}}}
    )
    assert {name: each.status for name, each in found.items()} == {"near_duplicates": "failed", "labels": "passed"}


def test_columns_of_groups_leak_and_an_empty_group_does_not(place: Place) -> None:
    found = place.statuses(by="owner", leakage={"columns": ["owner"], "share": 0.5})
    assert (found["leakage of owner"].examples, found["leakage of owner"].status) == (["b2"], "passed")


def test_ids_without_the_group_that_the_split_goes_by_are_told(place: Place) -> None:
    without = [guid for guid, (_, _, owner, _) in sorted(TEXTS.items()) if not owner]
    found = place.statuses(by="owner")["leakage without owner"]
    assert without and (found.examples, found.status) == (without, "warned")
    assert "leakage without owner" not in place.statuses(leakage={"columns": ["owner"]})


def test_an_unknown_column_is_refused(place: Place) -> None:
    with pytest.raises(
        CheckError, match=r"checks\.leakage\.columns: must be further columns .* \(owner\), but got colour"
    ):
        place.statuses(leakage={"columns": ["colour"]})


def test_a_text_that_no_baseline_could_read_is_told_by_itself(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (place.home / "b3" / "text.json").write_bytes(b"caf\xe9")
    found = place.statuses(texts={"share": 0.5})
    assert (found["texts"].status, found["texts unreadable"].status) == ("passed", "warned")
    assert (found["texts unreadable"].number, found["texts unreadable"].examples) == (1 / 5, ["b3"])
    assert place.statuses(texts={"share": 0.5, "severity": "fail"})["texts unreadable"].status == "failed"


def test_without_a_text_empty_files_are_told_and_near_duplicates_are_not_checked(place: Place) -> None:
    found = place.statuses(text=None)
    assert (found["texts"].examples, found["texts"].number) == (["b3"], 1 / 5)
    assert (found["near_duplicates"].status, found["near_duplicates"].number) == ("not checked", None)


def test_of_many_texts_a_sample_is_read_and_told(place: Place) -> None:
    assert "in a sample of 4 of 5 ids" in place.statuses(sample=4)["texts"].told
