from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.check import check
from finetune.errors import ConfigError, FinetuneError, PrepareError, ReconcileError
from rehearsal import Rehearsal
from tests.finetune.s3_server import environment
from tests.on_path import on_path

pytest_plugins = ["rehearsal.fixture"]

FUNCTIONS = """
from pathlib import Path

import torch
from datasets import Features, Value

from finetune.training.pretrained import checkpoint_folder


def get_dataset_features(num_labels):
    return Features({"size": Value("int64"), "labels": Value("int64")})


def encode_data(instance, label2id, model):
    if model.get("checkpoint"):
        checkpoint_folder(model["checkpoint"])
    path = Path(instance["a.txt"])
    return None if model.get("drop") else {"size": path.stat().st_size, "labels": label2id[path.read_text()]}


class Model(torch.nn.Module):
    def __init__(self, count):
        super().__init__()
        self.head = torch.nn.Linear(1, count)

    def forward(self, size, labels=None):
        logits = self.head(size.unsqueeze(-1).float())
        return {"logits": logits, "loss": None if labels is None else torch.nn.functional.cross_entropy(logits, labels)}


def get_model(model, labels):
    return Model(len(labels))
"""
CONFIG = """
experiment: EXP-1-checked
functions: checked
root: outputs
production:
  labels: {file: labels.csv}
  files: files
  files_from_production: [a.txt]
"""

SAMPLE = """
import shutil
import sqlite3


def build(folder):
    shutil.copytree("files", folder / "files")
    with sqlite3.connect(folder / "labels.db") as database:
        database.execute("CREATE TABLE rules (guid TEXT, label TEXT)")
        rows = [(path.name, path.name[:-1]) for path in (folder / "files").iterdir() if path.name != "rare0"]
        database.executemany("INSERT INTO rules VALUES (?, ?)", rows)
"""
OF_SAMPLE = """
production:
  sample: checked
  labels: {url: "sqlite:///sample/labels.db", query: "SELECT guid, label FROM rules"}
  files: sample/files
  files_from_production: [a.txt]
"""

Check = Callable[..., int]


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    """Checks a config over 3 ids of two labels and further label rows; nothing is made beside what is given."""
    (tmp_path / "experiments" / "checked").mkdir(parents=True)
    (tmp_path / "experiments" / "checked" / "functions.py").write_text(FUNCTIONS)
    (tmp_path / "config.yaml").write_text(CONFIG)
    labels = {f"{label}{number}": label for label in ("even", "odd") for number in range(3)} | {"rare0": "rare"}
    for guid, label in labels.items():
        (tmp_path / "files" / guid).mkdir(parents=True)
        (tmp_path / "files" / guid / "a.txt").write_text(label)
    monkeypatch.chdir(tmp_path)

    def checked(*overrides: str, further: str = "", stack: str = "local") -> int:
        known = "".join(f"{guid},{label}\n" for guid, label in labels.items() if label != "rare")
        (tmp_path / "labels.csv").write_text(f"guid,label\n{known}{further}")
        return check("config.yaml", overrides, stack)

    with on_path(tmp_path):
        yield checked
    assert not (tmp_path / "outputs").exists()


def test_what_was_tried_is_told(checked: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked() == 0
    assert capsys.readouterr().out == (
        "config.yaml: good. Config, functions and sources were checked; the functions were tried on 4 ids.\n"
    )


def test_a_model_that_got_no_example_is_not_called_tried(checked: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked("model.drop=true") == 0
    said = capsys.readouterr().out
    assert "encode_data dropped all of the 4 ids that it was tried on, so the model and" in said and "good" not in said


@pytest.mark.parametrize(
    ("overrides", "further", "kind", "words"),
    [
        ([], "../evil,even\n", ReconcileError, "'../evil' must not hold a slash"),
        ([], "rare0,rare\n", PrepareError, r"at least 3 ids, one for each split, but got rare \(1\)"),
        (["root=config.yaml/x"], "", ConfigError, "^root: .*/config.yaml/x cannot be made: .*config.yaml is no folder"),
        (["production.files=gone"], "", ReconcileError, "production.files: the folder .*gone does not exist"),
        (
            ["checks.labels.severity=fail", "checks.labels.columns={page: {type: integer}}"],
            "",
            ConfigError,
            r"^checks.labels.columns: must be a column of the labels \(guid, label\), but got 'page'",
        ),
        (["model.checkpoint=package:nobody/x"], "", ConfigError, "^model.checkpoint: .* but got 'package:nobody/x'"),
    ],
)
def test_what_a_run_would_refuse_is_refused(
    checked: Check, overrides: list[str], further: str, kind: type[FinetuneError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        checked(*overrides, further=further)


def test_a_small_label_that_is_left_out_is_no_fault(checked: Check) -> None:
    assert checked("prepare.ignored_labels=[rare]", further="rare0,rare\n") == 0
    assert checked("prepare.num_labels_threshold=3", further="rare0,rare\n") == 0


def test_a_sample_that_is_not_published_is_checked_here_and_stays_unpublished(
    checked: Check, tmp_path: Path, rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "experiments" / "checked" / "sample.py").write_text(SAMPLE)
    (tmp_path / "config.yaml").write_text(CONFIG.partition("production:")[0] + OF_SAMPLE)
    given = rehearsal.settings
    account = {"FINETUNE_BUCKET": given.bucket, "FINETUNE_ROLE": given.role_arn, "FINETUNE_IMAGE": given.image_uri}
    before = calls_of_clients(rehearsal)
    with environment(**rehearsal.environment, **account):
        assert checked(stack="sagemaker") == 0
    told = capsys.readouterr()
    assert "the functions were tried on 4 ids" in told.out
    assert "checking the sample in sample/files, which a run publishes in s3://rehearsal/production/checked" in told.err
    assert (calls_of_clients(rehearsal) - before).keys() == {"s3:ListBucket"}
    assert "Contents" not in rehearsal.client("s3").list_objects_v2(Bucket=given.bucket, Prefix="production/checked")


def calls_of_clients(up: Rehearsal) -> Counter[str]:
    found: Counter[str] = Counter()
    for call in up.calls():
        found[call["action"]] += call["times"] if call["role"] == "client" else 0
    return found
