import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finetune.errors import FunctionsError
from finetune.functions import check_functions, load_functions
from finetune.source.roots import PROJECT_ROOT
from tests.on_path import on_path

WriteExperiment = Callable[[str, str], Path]

GOOD = {
    "process_func": "def process_func(row, files, home, overwrite):\n    files.update(row)\n",
    "get_dataset_features": "def get_dataset_features(num_labels):\n    return {'labels': num_labels}\n",
    "encode_data": "def encode_data(instance, label2id, model):\n    return {'labels': 0}\n",
    "get_model": "def get_model(model, labels):\n    return (model, labels)\n",
    "compute_metrics": "def compute_metrics(predictions, references, labels):\n    return {'accuracy': 1.0}\n",
}


def source(**changes: str) -> str:
    """The five functions, some of them replaced; an empty text leaves one out."""
    return "\n".join({**GOOD, **changes}.values())


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[WriteExperiment]:
    """Writes experiments/<name>/functions.py below a folder on sys.path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / "experiments" / name / "functions.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    (tmp_path / "experiments").mkdir()
    with on_path(tmp_path):
        yield write


def problem(name: str) -> str:
    with pytest.raises(FunctionsError) as caught:
        check_functions(name)
    return str(caught.value)


def test_five_good_functions_are_loaded(experiment: WriteExperiment) -> None:
    experiment("tiny", source())
    functions = load_functions("tiny")
    assert functions.get_dataset_features(3) == {"labels": 3}
    assert functions.get_model({"a": 1}, ["x"]) == ({"a": 1}, ["x"])
    assert functions.process_func is not None
    assert functions.compute_metrics is not None


def test_the_optional_ones_may_be_absent(experiment: WriteExperiment) -> None:
    experiment("tiny", source(process_func="", compute_metrics=""))
    functions = load_functions("tiny")
    assert functions.process_func is None
    assert functions.compute_metrics is None


@pytest.mark.parametrize("name", ["get_dataset_features", "encode_data", "get_model"])
def test_a_required_one_must_exist(name: str, experiment: WriteExperiment) -> None:
    path = experiment("tiny", source(**{name: ""}))
    message = problem("tiny")
    assert f"{path}: {name}: is missing" in message
    assert f"write: def {name}(" in message


def test_a_misspelt_function_is_pointed_out(experiment: WriteExperiment) -> None:
    experiment("tiny", source(encode_data="def encode_dat(instance, label2id, model):\n    return {}\n"))
    assert "encode_dat looks like it: rename it" in problem("tiny")


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        ("def encode_data(instance, labels):\n    return {}\n", "(instance, labels)"),
        ("def encode_data(label2id, instance, model):\n    return {}\n", "(label2id, instance, model)"),
        ("def encode_data(instance: dict, label2id, *, model):\n    return {}\n", "(instance, label2id, *, model)"),
        ("def encode_data(instance, label2id, model, /):\n    return {}\n", "(instance, label2id, model, /)"),
        ("def encode_data(*args, **kwargs):\n    return {}\n", "(*args, **kwargs)"),
        ("def encode_data(instance, label2id, mode='a'):\n    return {}\n", "(instance, label2id, mode='a')"),
        ("def encode_data():\n    return {}\n", "()"),
    ],
)
def test_parameters_must_be_the_contracts(definition: str, found: str, experiment: WriteExperiment) -> None:
    experiment("tiny", source(encode_data=definition))
    message = problem("tiny")
    assert f"parameters must be (instance, label2id, model), in this order, but got {found}" in message
    assert "write: def encode_data(instance, label2id, model):" in message


@pytest.mark.parametrize("extra", ["limit=3", "*rest", "*, limit=3", "**options", "*rest, limit=3, **options"])
def test_further_parameters_with_defaults_are_fine(extra: str, experiment: WriteExperiment) -> None:
    experiment("tiny", source(get_model=f"def get_model(model, labels, {extra}):\n    return 1\n"))
    assert load_functions("tiny").get_model(1, 2) == 1


@pytest.mark.parametrize("extra", ["limit", "*, limit"])
def test_further_parameters_without_a_default_are_not(extra: str, experiment: WriteExperiment) -> None:
    experiment("tiny", source(get_model=f"def get_model(model, labels, {extra}):\n    return 1\n"))
    assert "further parameters must have a default, but limit has none" in problem("tiny")


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "...",
        '"""Only words."""',
        "raise NotImplementedError",
        '"""Words."""\n    raise NotImplementedError("soon")',
    ],
)
@pytest.mark.parametrize("name", ["get_model", "process_func"])
def test_a_body_must_do_something(body: str, name: str, experiment: WriteExperiment) -> None:
    head = GOOD[name].partition("\n")[0]
    experiment("tiny", source(**{name: f"{head}\n    {body}\n"}))
    assert f"{name}: must have a body" in problem("tiny")


def test_an_async_function_is_refused(experiment: WriteExperiment) -> None:
    experiment("tiny", source(get_model="async def get_model(model, labels):\n    return 1\n"))
    assert "must be a plain function, but got async def" in problem("tiny")


def test_a_constant_is_refused(experiment: WriteExperiment) -> None:
    experiment("tiny", source(compute_metrics="compute_metrics = None\n"))
    assert "compute_metrics: must be a function, but got None" in problem("tiny")


def test_all_problems_are_listed_with_their_lines(experiment: WriteExperiment) -> None:
    path = experiment(
        "tiny", "def get_model(model):\n    return 1\n\ndef encode_data(instance, label2id, model):\n    pass\n"
    )
    message = problem("tiny")
    assert f"{path}:1: get_model: parameters" in message
    assert f"{path}:4: encode_data: must have a body" in message
    assert f"{path}: get_dataset_features: is missing" in message


def test_checking_imports_nothing_of_the_experiment(experiment: WriteExperiment) -> None:
    experiment("tiny", "raise RuntimeError('imported')\n" + source())
    check_functions("tiny")
    assert "experiments.tiny.functions" not in sys.modules


def test_a_function_may_come_from_another_experiment(experiment: WriteExperiment) -> None:
    experiment("first", source())
    experiment("second", source(encode_data="from experiments.first.functions import encode_data\n"))
    assert load_functions("second").encode_data is load_functions("first").encode_data


def test_a_reexported_function_is_checked_where_it_is_defined(experiment: WriteExperiment) -> None:
    path = experiment("first", "def encode(instance):\n    return {}\n")
    experiment("second", source(encode_data="from experiments.first.functions import encode as encode_data\n"))
    assert f"{path}:1: encode_data: parameters must be" in problem("second")


def test_a_reexport_of_what_is_not_there_is_named(experiment: WriteExperiment) -> None:
    experiment("first", "")
    experiment("second", source(encode_data="from experiments.first.functions import encode_data\n"))
    assert "encode_data: experiments.first.functions does not define encode_data" in problem("second")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import functools\nget_model = functools.partial(print, 1)\n", None),
        (
            "from builtins import repr as get_model\n",
            "parameters must be (model, labels), in this order, but got (obj, /)",
        ),
        ("get_model = lambda model: model\n", "parameters must be (model, labels), in this order, but got (model)"),
        ("get_model = dict(a=1)\n", "must be a function, but got dict"),
        ("if True:\n    def get_model(labels):\n        return 1\n", "but got (labels)"),
    ],
)
def test_what_the_source_cannot_tell_is_checked_on_the_object(
    text: str, message: str | None, experiment: WriteExperiment
) -> None:
    experiment("tiny", source(get_model=text))
    check_functions("tiny")
    if message is not None:
        with pytest.raises(FunctionsError, match=re.escape(message)):
            load_functions("tiny")


def test_a_decorated_function_is_judged_by_what_the_decorator_returns(experiment: WriteExperiment) -> None:
    decorator = "def bind(f):\n    def inner(model, labels):\n        return f(model, labels, 3)\n    return inner\n"
    experiment("tiny", source(get_model=f"{decorator}@bind\ndef get_model(a, b, c):\n    return c\n"))
    assert load_functions("tiny").get_model(1, 2) == 3


def test_an_unknown_experiment_names_its_nearest(experiment: WriteExperiment) -> None:
    experiment("license_kinds", source())
    assert "got 'license_kind'; did you mean license_kinds?" in problem("license_kind")


def test_an_experiment_like_no_other_lists_all(experiment: WriteExperiment) -> None:
    experiment("zebra", source())
    message = problem("../../etc")
    assert "there are: " in message
    assert "zebra" in message


def test_a_folder_without_functions_says_what_to_write(tmp_path: Path, experiment: WriteExperiment) -> None:
    (tmp_path / "experiments" / "empty").mkdir()
    message = problem("empty")
    assert "experiments/empty/functions.py does not exist" in message
    assert "def get_model(model, labels):" in message


def test_a_syntax_error_names_file_and_line(experiment: WriteExperiment) -> None:
    path = experiment("tiny", "import os\ndef get_model(model, labels:\n    return 1\n")
    assert f"{path}:2: SyntaxError: '(' was never closed" in problem("tiny")


def test_an_import_error_names_the_line_and_the_cause(experiment: WriteExperiment) -> None:
    path = experiment("tiny", "import os\nimport no_such_package\n" + source())
    with pytest.raises(FunctionsError, match="ModuleNotFoundError: No module named 'no_such_package'") as caught:
        load_functions("tiny")
    assert f"{path}:2: " in str(caught.value)


def test_a_failing_import_of_a_neighbour_names_the_neighbours_line(experiment: WriteExperiment, tmp_path: Path) -> None:
    experiment("tiny", "import experiments.tiny.parts\n" + source())
    parts = tmp_path / "experiments" / "tiny" / "parts.py"
    parts.write_text("x = 1\ny = x / 0\n", encoding="utf-8")
    with pytest.raises(FunctionsError, match="ZeroDivisionError") as caught:
        load_functions("tiny")
    assert f"{parts}:2: " in str(caught.value)


def test_another_file_than_the_checked_one_is_never_used(experiment: WriteExperiment, tmp_path: Path) -> None:
    experiment("tiny", source())
    load_functions("tiny")
    shadow = tmp_path / "shadow"
    (shadow / "experiments" / "tiny").mkdir(parents=True)
    (shadow / "experiments" / "tiny" / "functions.py").write_text(source(), encoding="utf-8")
    with on_path(shadow), pytest.raises(FunctionsError, match=r"was imported from .* was checked"):
        load_functions("tiny")


def test_it_works_from_another_folder(experiment: WriteExperiment, tmp_path: Path) -> None:
    """The project's root is not on sys.path there, but for the one import that brings finetune in."""
    experiment("tiny", "from finetune.errors import FinetuneError\n" + source())
    code = (
        "import sys; root = sys.argv[1]; sys.path.insert(0, root)\n"
        "import finetune.functions as f; sys.path.remove(root)\n"
        "sys.path.insert(0, sys.argv[2]); f.load_functions('tiny'); assert root in sys.path"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROJECT_ROOT), str(tmp_path)],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
