"""Finds an experiment's five functions and checks them before anything runs.

An experiment is a folder experiments/<name>/ with a file functions.py, in the project or in any other folder
on sys.path that has a folder experiments/ (without __init__.py). What the functions do is not judged here:
finetune/training/trial.py tries them on real rows.
"""

import ast
import difflib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from finetune.contract import CONTRACTS, Contract, definition_problem, signature_problem
from finetune.errors import FunctionsError
from finetune.source.closure import Sources
from finetune.source.module import Binding, Import, Module
from finetune.source.roots import PROJECT_ROOT, is_installed, project_roots, shown


@dataclass(frozen=True)
class Functions:
    """An experiment's five functions; an optional one that it does not define is None."""

    get_dataset_features: Callable[..., Any]
    """(num_labels) -> datasets.Features of the model's inputs."""
    encode_data: Callable[..., Any]
    """(instance, label2id, model) -> one example as a dict, a list of them, or None to drop the id."""
    get_model: Callable[..., Any]
    """(model, labels) -> torch.nn.Module whose forward returns loss and logits."""
    process_func: Callable[..., Any] | None = None
    """(row, files, home, overwrite) -> None; may write further files beside an id's own."""
    compute_metrics: Callable[..., dict[str, float]] | None = None
    """(predictions, references, labels) -> metrics; None stands for the default metrics."""


FINETUNE = tuple(contract.name for contract in CONTRACTS if contract.required)
"""The functions that the pipeline finetune cannot do without."""
FEATURES = ("get_dataset_features", "encode_data")
"""Those of the pipeline features."""
NEEDED = {"finetune": FINETUNE, "features": FEATURES}
"""The functions that must be there, by pipeline."""


def load_functions(name: str, needed: Collection[str] = FINETUNE) -> Functions:
    """Checks and imports experiments/<name>/functions.py; appends the project's root to sys.path if missing.

    A function that is neither there nor needed is None.

    Raises:
        FunctionsError: As `check_functions`, or the file fails on import.
    """
    source = _checked_source(name, needed)
    module = _import(source)
    found = {contract.name: getattr(module, contract.name, None) for contract in CONTRACTS}
    checks = ((contract, _object_problem(contract, module)) for contract in _contracts(needed))
    problems = [(shown(source.path), contract, text) for contract, text in checks if text]
    _raise_all(name, problems)
    return Functions(**found)  # type: ignore[arg-type]  # None is left only where allowed


def check_functions(name: str, needed: Collection[str] = FINETUNE) -> None:
    """Checks the functions by reading their source, without importing it or any of its packages.

    A function imported from another experiment is checked where it is defined. One that comes from an
    installed package or from a call counts as present; `load_functions` looks at the object itself.

    Raises:
        FunctionsError: The experiment, its functions.py or a required function is missing, the file is not
            Python, or a function breaks its contract. The message lists every problem.
    """
    _checked_source(name, needed)


def _contracts(needed: Collection[str]) -> list[Contract]:
    return [replace(contract, required=contract.name in needed) for contract in CONTRACTS]


def _checked_source(name: str, needed: Collection[str]) -> Module:
    sources = Sources(project_roots())
    module = _functions_module(name, sources, needed)
    problems = [problem for contract in _contracts(needed) for problem in _source_problems(contract, module, sources)]
    _raise_all(name, problems)
    return module


Problem = tuple[str, Contract, str]
"""Where it is, the function's contract, and the rule with what was found."""


def _raise_all(name: str, problems: list[Problem]) -> None:
    if problems:
        lines = [
            f"{place}: {contract.name}: {text}\n    write: {contract.definition}" for place, contract, text in problems
        ]
        raise FunctionsError(f"the functions of experiment {name} break their contract:\n" + "\n".join(lines))


def _functions_module(name: str, sources: Sources, functions: Collection[str]) -> Module:
    experiments = [root / "experiments" for root in project_roots()]
    existing = sorted({folder.name for parent in experiments for folder in _folders(parent)})
    if name not in existing:
        near = difflib.get_close_matches(name, existing, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(existing) or 'none'}"
        raise FunctionsError(f"functions: must name a folder of experiments/, but got {name!r}; {hint}")
    module = sources.get(f"experiments.{name}.functions")
    if module is None:
        needed = "\n".join(f"    {contract.definition}" for contract in _contracts(functions) if contract.required)
        raise FunctionsError(f"experiments/{name}/functions.py does not exist; it must define\n{needed}")
    return module


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return [path for path in parent.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]


def _source_problems(contract: Contract, module: Module, sources: Sources) -> list[Problem]:
    if contract.name not in module.bindings and not module.stars:
        return [(shown(module.path), contract, _missing(contract, module))] if contract.required else []
    owner, binding = _follow(module, contract.name, sources)
    place = f"{shown(owner.path)}:{getattr(binding, 'lineno', 1)}"
    if isinstance(binding, Import):
        return [(shown(owner.path), contract, f"{binding.module} does not define {binding.path[0]}")]
    if isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
        text = definition_problem(contract, binding)
        return [(place, contract, text)] if text else []
    if isinstance(binding, ast.Assign) and isinstance(binding.value, ast.Constant):
        return [(place, contract, f"must be a function, but got {ast.unparse(binding.value)}")]
    return []


def _missing(contract: Contract, module: Module) -> str:
    near = difflib.get_close_matches(contract.name, list(module.bindings), n=1, cutoff=0.75)
    return "is missing" + (f"; {near[0]} looks like it: rename it" if near else "")


def _follow(module: Module, name: str, sources: Sources) -> tuple[Module, Binding | None]:
    """The definition that the name leads to and the module that holds it.

    The binding is an Import if it names what a module of the project lacks, and None if it leads outside.
    """
    seen: set[tuple[str, str]] = set()
    while (module.name, name) not in seen:
        seen.add((module.name, name))
        bindings = module.bindings.get(name, [])
        functions = [item for item in bindings if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
        binding = (functions or bindings or [None])[-1]
        if not isinstance(binding, Import):
            return module, binding
        target = sources.get(binding.module)
        if target is None or len(binding.path) != 1:
            return module, None
        if binding.path[0] not in target.bindings:
            return module, None if target.stars else binding
        module, name = target, binding.path[0]
    return module, None


def _import(source: Module) -> ModuleType:
    if str(PROJECT_ROOT) not in [str(Path(entry or ".").resolve()) for entry in sys.path]:
        sys.path.append(str(PROJECT_ROOT))
    try:
        module = importlib.import_module(source.name)
    except (Exception, SystemExit) as error:
        raise FunctionsError(_import_failure(source, error)) from error
    if Path(module.__file__ or "").resolve() != source.path.resolve():
        raise FunctionsError(
            f"{source.name} was imported from {module.__file__}, but {source.path} was checked: two folders "
            "on sys.path hold this experiment (rename one), or an experiments/ has an __init__.py (remove it)"
        )
    return module


def _import_failure(source: Module, error: BaseException) -> str:
    """Names the innermost line of the project's own code on the way to the error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(Path(frame.filename))]
    where = f"{shown(Path(frames[-1].filename))}:{frames[-1].lineno}" if frames else shown(source.path)
    advice = "install it or correct the name" if isinstance(error, ModuleNotFoundError) else "correct this line"
    return f"{where}: importing {source.name} failed: {type(error).__name__}: {error}; {advice}"


def _is_own(path: Path) -> bool:
    inside = any(path.is_relative_to(root) for root in project_roots()) and not is_installed(path)
    return inside and path != Path(__file__)


def _object_problem(contract: Contract, module: ModuleType) -> str | None:
    if not hasattr(module, contract.name):
        return "is missing after import" if contract.required else None
    function = getattr(module, contract.name)
    if not callable(function):
        return f"must be a function, but got {type(function).__name__}"
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        # Some built-in callables have no signature to read; the trial on real rows will call them.
        return None
    return signature_problem(contract, parameters)
