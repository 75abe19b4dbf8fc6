"""The project's import rules: which folder may import which package."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXEMPT = {"tests", "benchmarks", "docker"}
ROOMS_WITH_ZENML = ("cli/", "pipelines/", "steps/", "stacks/", "operators/", "materializers/", "rehearsal/")
HEAVY = {"torch", "transformers", "accelerate", "zenml", "datasets", "pandas", "pandera", "datasketch"}


@dataclass(frozen=True)
class Found:
    """One module that a file imports."""

    line: int
    module: str
    at_import: bool
    """It is loaded when the file itself is, not only when a function is called."""

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Rule:
    """`packages` may be imported only below `allowed`; where `within` is given, the rule judges only files below it."""

    packages: frozenset[str]
    allowed: tuple[str, ...] = ()
    within: tuple[str, ...] = ("",)
    at_import_only: bool = False

    def broken_by(self, path: str, found: Found) -> bool:
        judged = path.startswith(self.within) and not (self.allowed and path.startswith(self.allowed))
        return judged and found.top in self.packages and (found.at_import or not self.at_import_only)


RULES = {
    "ZenML only in cli, pipelines, steps, stacks, operators, materializers and rehearsal": Rule(
        frozenset({"zenml"}), ROOMS_WITH_ZENML
    ),
    "finetune imports no room that builds on it, and experiments only by name": Rule(
        frozenset(room.rstrip("/") for room in ROOMS_WITH_ZENML) | {"experiments", "run"}, within=("finetune/",)
    ),
    "S3 and SageMaker clients only in finetune/storage, operators, stacks and rehearsal": Rule(
        frozenset({"boto3", "botocore", "aiobotocore", "sagemaker", "s3fs", "s3transfer"}),
        ("finetune/storage/", "operators/", "stacks/", "rehearsal/"),
    ),
    "torch only in finetune/training, finetune/evaluation, materializers and experiments": Rule(
        frozenset({"torch", "transformers", "accelerate"}),
        ("finetune/training/", "finetune/evaluation/", "materializers/", "experiments/", "cli/"),
    ),
    "trackers only in finetune/tracking, where they are used": Rule(
        frozenset({"mlflow", "wandb"}), ("finetune/tracking/",)
    ),
    "trackers are loaded when one is used": Rule(frozenset({"mlflow", "wandb"}), at_import_only=True),
    "run.py and cli load heavy packages only inside functions": Rule(
        frozenset({*HEAVY, "steps", "pipelines", "materializers", "sklearn", "matplotlib", "pyarrow"}),
        within=("cli/", "run.py"),
        at_import_only=True,
    ),
    "finetune/config imports nothing heavy": Rule(
        frozenset({*HEAVY, "pyarrow", "sklearn", "matplotlib", "evaluate"}), within=("finetune/config/",)
    ),
}


def project_files() -> list[Path]:
    """Every Python file of the project's folders but the exempt ones; hidden folders and environments are skipped."""
    folders = [
        path
        for path in ROOT.iterdir()
        if path.is_dir() and path.name not in {*EXEMPT, "outputs"} and not path.name.startswith(".")
    ]
    rooms = [folder for folder in folders if not (folder / "pyvenv.cfg").exists()]
    return sorted([*ROOT.glob("*.py"), *(path for room in rooms for path in room.rglob("*.py"))])


def imports_of(text: str, path: str) -> Iterator[Found]:
    """All imports in a file, relative ones and literal import_module() calls included."""
    package = [*Path(path).parent.parts]
    yield from _imports_below(ast.parse(text), package, at_import=True)


def _imports_below(node: ast.AST, package: list[str], *, at_import: bool) -> Iterator[Found]:
    for child in ast.iter_child_nodes(node):
        for module in _loaded_modules(child, package):
            yield Found(child.lineno, module, at_import)  # type: ignore[attr-defined]
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_for_type_checkers(child)
        yield from _imports_below(child, package, at_import=at_import and not inside)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _loaded_modules(node: ast.AST, package: list[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parents = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*parents, *([node.module] if node.module else [])])
        return [base] if base else [alias.name for alias in node.names]
    if isinstance(node, ast.Call):
        return _literal_module(node)
    return []


def _literal_module(call: ast.Call) -> list[str]:
    """The module of import_module("x") and __import__("x"); of f"experiments.{name}" its constant beginning."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in {"import_module", "__import__"} or not call.args:
        return []
    literals = [node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
    return [literals[0]] if literals and isinstance(literals[0], str) else []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_no_file_breaks_an_import_rule(rule: Rule) -> None:
    broken = [
        f"{name}:{found.line} imports {found.module}"
        for path in project_files()
        for name in [path.relative_to(ROOT).as_posix()]
        for found in imports_of(path.read_text(encoding="utf-8"), name)
        if rule.broken_by(name, found)
    ]
    assert not broken, "\n".join(broken)


def test_modules_by_computed_name_are_loaded_only_in_functions_py() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in project_files()
        if path.is_relative_to(ROOT / "finetune")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Name)
        and "import_module" in (getattr(node, "attr", ""), getattr(node, "id", ""))
    }
    assert users == {"finetune/functions.py"}


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("finetune/prepare/a.py", "def f():\n    import zenml.client\n", "ZenML only"),
        ("run.py", "from zenml import step\n", "ZenML only"),
        ("finetune/a.py", "from experiments.x.functions import f\n", "finetune imports"),
        ("finetune/a.py", "import importlib\nimportlib.import_module('experiments.x')\n", "finetune imports"),
        ("finetune/a.py", "import importlib\nimportlib.import_module(f'experiments.{1}')\n", "finetune imports"),
        ("finetune/prepare/a.py", "from ...steps import train\n", "finetune imports"),
        ("finetune/prepare/a.py", "import boto3\n", "S3 and SageMaker"),
        ("steps/a.py", "import s3fs\n", "S3 and SageMaker"),
        ("finetune/prepare/a.py", "from torch import nn\n", "torch only"),
        ("steps/a.py", "import accelerate\n", "torch only"),
        ("cli/a.py", "if True:\n    import pandas as pd\n", "run.py and cli"),
        ("cli/a.py", "class A:\n    from steps.train import train\n", "run.py and cli"),
        ("finetune/config/a.py", "def f():\n    import pyarrow.parquet\n", "finetune/config"),
    ],
)
def test_a_rule_sees_who_breaks_it(path: str, text: str, rule: str) -> None:
    broken = [
        name for name, each in RULES.items() if any(each.broken_by(path, found) for found in imports_of(text, path))
    ]
    assert len([name for name in broken if name.startswith(rule)]) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cli/a.py", "def f():\n    import zenml, torch, pandas\n    from pipelines.finetune import finetune\n"),
        ("cli/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zenml.models import RunResponse\n"),
        ("finetune/training/a.py", "import torch\nfrom ..errors import TrainError\n"),
        ("finetune/storage/a.py", "import boto3\n"),
        ("steps/a.py", "from zenml import step\nfrom finetune.training.train import train\n"),
        ("finetune/prepare/a.py", "import torchvision_like, pandas\n"),
    ],
)
def test_a_rule_lets_others_pass(path: str, text: str) -> None:
    assert not [
        name for name, rule in RULES.items() if any(rule.broken_by(path, found) for found in imports_of(text, path))
    ]


def light_modules() -> list[str]:
    """What runs before the first step: the config loader, the functions' check, the code hash, run.py and cli."""
    commands = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted((ROOT / "cli").rglob("*.py"))]
    starts = [name.removesuffix(".__init__") for name in commands]
    return ["finetune.config.load", "finetune.functions", "finetune.code_hash", *starts, "run"]


def test_what_runs_before_the_first_step_loads_nothing_heavy() -> None:
    """One process imports them one by one, so that the first that loads something heavy is named."""
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[2:]:\n"
        "    importlib.import_module(name)\n"
        "    loaded = set(sys.argv[1].split(',')) & set(sys.modules)\n"
        "    assert not loaded, f'{name} loads {sorted(loaded)}'\n"
    )
    heavy = ",".join(sorted({*HEAVY, "pyarrow", "sklearn", "matplotlib", "boto3"}))
    done = subprocess.run(
        [sys.executable, "-c", code, heavy, *light_modules()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_composing_the_pipeline_loads_neither_plots_nor_baselines() -> None:
    """They take seconds, which a run that finds its evaluation in the cache does without."""
    code = (
        "import sys\n"
        "import finetune.evaluation.evaluate, finetune.report.gather, finetune.report.report\n"
        "assert not {'matplotlib', 'finetune.evaluation.baselines'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
