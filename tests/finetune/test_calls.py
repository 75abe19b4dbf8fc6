import importlib
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from finetune.calls import Given, call, did_you_mean, model_section
from finetune.errors import FunctionsError, TrainError
from tests.on_path import on_path

FUNCTIONS = """
from experiments.calling.helper import width


def get_model(model, labels):
    return model["width"]


def encode_data(instance, label2id, model):
    return width(model)


def compute_metrics(predictions, references, labels):
    return [].pop()
"""

Write = Callable[[], ModuleType]


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "experiments" / "calling"
    folder.mkdir(parents=True)
    (folder / "functions.py").write_text(FUNCTIONS)
    (folder / "helper.py").write_text("def width(model):\n    return model['head']['width']\n")
    monkeypatch.chdir(tmp_path)
    with on_path(tmp_path):
        yield importlib.import_module("experiments.calling.functions")


def failure(what: str, function: object, *arguments: object) -> str:
    with pytest.raises(FunctionsError) as caught:
        call(what, function, *arguments)
    return str(caught.value)


def test_a_key_that_the_model_section_lacks_is_told_with_line_and_nearest_key(functions: ModuleType) -> None:
    model = model_section({"checkpoint": None, "widht": 3})
    assert failure("get_model", functions.get_model, model, []) == (
        "experiments/calling/functions.py:6: get_model raised KeyError: 'width'; the config's section model: has no "
        "key width; did you mean widht? (there are: checkpoint, widht)"
    )


def test_another_key_error_is_not_blamed_on_the_section(functions: ModuleType) -> None:
    told = failure("encode_data", functions.encode_data, {}, {}, model_section({"head": {}}))
    assert told == "experiments/calling/helper.py:2: encode_data raised KeyError: 'width'; mend functions.py"


def test_any_error_names_the_innermost_line_of_the_experiment(functions: ModuleType) -> None:
    told = failure("compute_metrics", functions.compute_metrics, [], [], [])
    assert told.startswith("experiments/calling/functions.py:14: compute_metrics raised IndexError: pop from empty")


def test_an_error_outside_of_an_experiment_names_no_line() -> None:
    assert failure("get_model", lambda: 1 / 0).startswith("get_model raised ZeroDivisionError")


def test_an_error_that_is_meant_for_the_user_stays_as_it_is() -> None:
    def refuse() -> None:
        raise TrainError("as it is")

    with pytest.raises(TrainError, match="^as it is$"):
        call("get_model", refuse)


def test_a_given_mapping_is_a_dict_whose_missing_keys_can_be_asked_for() -> None:
    given = Given("id 1 has no file", {"a.txt": "/a"})
    assert given == {"a.txt": "/a"}
    assert given.get("b.txt", 3) == 3
    assert "b.txt" not in given
    again = pickle.loads(pickle.dumps(given))
    with pytest.raises(KeyError) as caught:
        again["b.txt"]
    assert caught.value.advice == "id 1 has no file b.txt; did you mean a.txt? (there are: a.txt)"


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (["width", "depth"], "did you mean width? (there are: width, depth)"),
        (["z"], "there are: z"),
        ([], "there are: none"),
    ],
)
def test_the_nearest_name_is_offered_if_one_is_near(known: list[str], words: str) -> None:
    assert did_you_mean("widht", known) == words
