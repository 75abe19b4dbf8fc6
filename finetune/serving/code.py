"""The code that a package carries: all of the project's files that its functions and its server reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from sys import stdlib_module_names

from finetune.code_hash import code_hash, functions_hash
from finetune.source.closure import Sources
from finetune.source.roots import project_roots

HANDLER, SERVER = "finetune.serving.inference", "finetune.serving.server"
"""The modules that answer requests: what Hugging Face's containers call, and our own server around it."""
OF_THE_CONTAINER = {"torch", "transformers", "tokenizers", "safetensors", "numpy"}
"""What Hugging Face's inference containers bring, in versions that fit their GPU's driver and each other."""

Files = dict[str, Path]


@dataclass(frozen=True)
class Code:
    """What a package carries of the project."""

    files: Files
    """By their path in the package's folder of code."""
    hash: str
    """Of encode_data and get_model with all that they reach, as `finetune.code_hash` gives it."""
    versions: dict[str, str]
    """Of the installed packages that the files import."""
    asked: list[str]
    """Those of them that a container of Hugging Face must install beside what it brings."""


def code_of(functions: str) -> Code:
    """Gathers the code of an experiment's package.

    Beside the modules these are the files of the experiment's folder that are no Python, such as word lists.

    Args:
        functions: The experiment's folder in experiments/.

    Raises:
        FunctionsError: The experiment is not there, lacks a function, or a file on the way is not Python.
    """
    sources = Sources(project_roots())
    hashed = functions_hash(functions, sources)
    code_hash(HANDLER, sources=sources)
    asked = _packages(sources) - OF_THE_CONTAINER
    code_hash(SERVER, sources=sources)
    modules = sources.files
    versions = {name: version(name) for name in sorted(_packages(sources))}
    return Code(_modules(modules) | _beside(modules), hashed, versions, sorted(asked))


def _modules(modules: Mapping[str, Path]) -> Files:
    return {_place(name, path): path for name, path in modules.items()}


def _place(module: str, path: Path) -> str:
    folder = module.replace(".", "/")
    return f"{folder}/__init__.py" if path.name == "__init__.py" else f"{folder}.py"


def _beside(modules: Mapping[str, Path]) -> Files:
    folders = {"/".join(name.split(".")[:2]): path.parent for name, path in modules.items() if _of_an_experiment(name)}
    return {
        f"{place}/{path.relative_to(folder).as_posix()}": path
        for place, folder in folders.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and not _hidden(path.relative_to(folder))
    }


def _of_an_experiment(module: str) -> bool:
    return module.startswith("experiments.") and module.count(".") == 2


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _packages(sources: Sources) -> set[str]:
    """The installed packages that the files import when they are imported themselves."""
    found = (sources.get(name) for name in sources.files)
    imported = {each.loads.partition(".")[0] for module in found if module for each in module.imports}
    known = packages_distributions()
    return {known[name][0] for name in imported if name in known and name not in stdlib_module_names}
