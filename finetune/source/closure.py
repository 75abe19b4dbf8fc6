"""Which of the project's definitions a function reaches, followed by name through its modules."""

import ast
from collections.abc import Sequence
from pathlib import Path

from finetune.source.module import Binding, Import, Module, imported_names, read_module
from finetune.source.roots import is_project_module, module_file
from finetune.source.text import text_of
from finetune.source.uses import Chain, Uses, uses

WHOLE = "*"
EFFECTS = "<module>"


class Sources:
    """The project's modules, each read once, with what each of their statements uses and is as text."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots
        self._modules: dict[str, Module | None] = {}
        self._known: dict[str, bool] = {}
        self._uses: dict[ast.stmt, Uses] = {}
        self._texts: dict[ast.stmt, str] = {}

    def get(self, name: str) -> Module | None:
        """The module, or None if it is not a file of the project.

        Raises:
            FunctionsError: Its file cannot be read as Python.
        """
        if name not in self._modules:
            path = module_file(name, self._roots) if name else None
            self._modules[name] = read_module(name, path) if path else None
        return self._modules[name]

    @property
    def files(self) -> dict[str, Path]:
        """The files that were read so far, by module."""
        return {name: module.path for name, module in self._modules.items() if module is not None}

    def has(self, name: str) -> bool:
        """Whether the name is a module or a folder of modules of the project."""
        if name not in self._known:
            self._known[name] = is_project_module(name, self._roots)
        return self._known[name]

    def uses(self, statement: ast.stmt) -> Uses:
        """What a statement at the top of a module uses."""
        if statement not in self._uses:
            self._uses[statement] = uses(statement)
        return self._uses[statement]

    def text(self, statement: ast.stmt) -> str:
        """What a hash takes of a statement."""
        if statement not in self._texts:
            self._texts[statement] = text_of(statement)
        return self._texts[statement]


class Closure:
    """All that the given starting points reach, under the key `module:name`.

    `module:*` stands for a whole module, `module:<module>` for the statements that run when it is imported.
    """

    def __init__(self, sources: Sources) -> None:
        self.found: dict[str, Sequence[Binding]] = {}
        self._sources = sources
        self._todo: list[tuple[str, Chain]] = []
        self._seen: set[tuple[str, Chain]] = set()
        self._imported: set[str] = set()

    def add(self, module: str, path: Chain) -> None:
        """Adds a starting point, a module and the attributes to follow in it, and all that it reaches."""
        self._later(module, path)
        while self._todo:
            self._follow(*self._todo.pop())

    def _later(self, module: str, path: Chain) -> None:
        if (module, path) not in self._seen:
            self._seen.add((module, path))
            self._todo.append((module, path))

    def _follow(self, name: str, path: Chain) -> None:
        module = self._sources.get(name)
        if module is not None:
            self._import(name)
        if module is not None and path and path[0] in module.bindings:
            self._enter(module, path)
        elif path and self._sources.has(f"{name}.{path[0]}"):
            self._later(f"{name}.{path[0]}", path[1:])
        elif module is not None:
            self._enter_whole(module)

    def _enter(self, module: Module, path: Chain) -> None:
        for star in module.stars:
            self._later(star, ())
        bindings = module.bindings[path[0]]
        self._record(module, path[0], bindings)
        for binding in bindings:
            if isinstance(binding, Import):
                self._later(binding.module, binding.path + path[1:])

    def _enter_whole(self, module: Module) -> None:
        self.found[f"{module.name}:{WHOLE}"] = ()
        for star in module.stars:
            self._later(star, ())
        for name in module.bindings:
            self._later(module.name, (name,))

    def _record(self, module: Module, name: str, bindings: Sequence[Binding]) -> None:
        key = f"{module.name}:{name}"
        if key not in self.found:
            self.found[key] = bindings
            for binding in bindings:
                if isinstance(binding, ast.stmt):
                    self._use(module, self._sources.uses(binding))

    def _use(self, module: Module, used: Uses) -> None:
        inner: dict[str, list[Import]] = {}
        for statement in used.imports:
            for name, target in imported_names(statement, module.package):
                inner.setdefault(name, []).append(target)
                self._import_target(target)
        for chain in used.chains:
            for target in inner.get(chain[0], ()):
                self._later(target.module, target.path + chain[1:])
            if chain[0] in module.bindings:
                self._later(module.name, chain)
        for name in used.loaded:
            absolute = f"{module.package}{name}" if name.startswith(".") else name
            self._later(absolute, ())
        if used.whole_module:
            self._later(module.name, ())

    def _import(self, name: str) -> None:
        """Importing a module runs the statements of its parents, of itself and of what it imports."""
        if name in self._imported:
            return
        self._imported.add(name)
        self._import(name.rpartition(".")[0])
        module = self._sources.get(name)
        if module is None:
            return
        for target in module.imports:
            self._import_target(target)
        if module.effects:
            self._record(module, EFFECTS, module.effects)

    def _import_target(self, target: Import) -> None:
        self._import(target.loads)
        if target.path:
            self._import(f"{target.loads}.{target.path[0]}")
