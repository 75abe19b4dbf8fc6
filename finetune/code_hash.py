"""A fingerprint of the code that a step depends on: equal as long as nothing within its reach changes."""

import hashlib

from finetune.errors import FunctionsError
from finetune.source.closure import Closure, Sources
from finetune.source.module import Import
from finetune.source.roots import project_roots


def code_hash(*objects: str, sources: Sources | None = None) -> str:
    """SHA-256 (hex) over the project's code that the objects depend on, and over nothing else.

    The code is read as text, never imported. Each definition is followed by name: to functions it calls,
    classes and their bases, decorators, defaults, module-level assignments, and through imports into other
    modules of the project. Comments, formatting, line numbers, the order of definitions and the place of
    the checkout do not count; docstrings do. A package from outside the project counts by its import alone:
    track its version elsewhere. Statements that run when a module is imported count for everything in it
    and for whoever imports it. Where names cannot tell (a star import, a module passed as a value,
    globals(), a literal import_module), the whole module counts.

    Not seen: other files that a function reads (data, templates), modules imported by a computed name, and
    what a function that is not reached itself writes into a module or an object at run time.

    Args:
        objects: `module:name`, `module:Class.method` (the whole class counts), or `module` for all of it.
        sources: The project's modules, where several hashes share what was read of them; default: read anew.

    Raises:
        FunctionsError: An object does not exist in the project, or a file on the way is not Python.
    """
    sources = sources or Sources(project_roots())
    digest = hashlib.sha256()
    for key, bindings in sorted(_closure(objects, sources).found.items()):
        digest.update(f"{key}\n".encode())
        for binding in bindings:
            text = repr(binding) if isinstance(binding, Import) else sources.text(binding)
            digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def functions_hash(functions: str, sources: Sources | None = None) -> str:
    """The hash of what makes a model's answers: encode_data and get_model of an experiment.

    Args:
        functions: The experiment's folder in experiments/.
        sources: As `code_hash`.

    Raises:
        FunctionsError: As `code_hash`.
    """
    module = f"experiments.{functions}.functions"
    return code_hash(f"{module}:encode_data", f"{module}:get_model", sources=sources)


def experiment_hash(functions: str) -> str:
    """The hash of all that an experiment's functions.py holds and reaches; arguments and errors as `functions_hash`."""
    return code_hash(f"experiments.{functions}.functions")


def dependencies(*objects: str) -> list[str]:
    """What `code_hash` of the same objects covers, as sorted `module:name`.

    `module:*` is a whole module, `module:<module>` the statements that run when it is imported.
    """
    return sorted(_closure(objects, Sources(project_roots())).found)


def _closure(objects: tuple[str, ...], sources: Sources) -> Closure:
    closure = Closure(sources)
    for item in objects:
        name, _, path = item.partition(":")
        module = sources.get(name)
        if module is None:
            raise FunctionsError(f"{item}: the project has no module {name}; write module:name or module")
        first = path.partition(".")[0]
        if path and first not in module.bindings and not module.stars:
            known = ", ".join(sorted(module.bindings)) or "nothing"
            raise FunctionsError(f"{item}: {module.path} does not define {first}; it defines {known}")
        closure.add(name, tuple(path.split(".")) if path else ())
    return closure
