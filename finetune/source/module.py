"""What a module of the project binds at its top level, read from its text."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from finetune.errors import FunctionsError
from finetune.source.roots import shown
from finetune.source.uses import bound_names

_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_ASSIGNMENT = ast.Assign | ast.AugAssign | ast.AnnAssign
_IMPORT = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class Import:
    """One name that an import statement binds: the module that it loads, and where the name leads."""

    loads: str
    module: str
    path: tuple[str, ...]
    """Attributes to follow from `module`; empty when the name is the module itself."""


Binding = ast.stmt | Import


@dataclass
class Module:
    """The top level of one file: what each name may be, and what runs at import."""

    name: str
    path: Path
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    """In the order of the file; a name bound inside an `if` or `try` is bound by the whole block."""
    effects: list[ast.stmt] = field(default_factory=list)
    """Statements other than definitions, assignments and imports: they run for whoever imports the module."""
    imports: list[Import] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    """Modules of `from module import *`."""

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def bind(self, name: str, binding: Binding) -> None:
        """Adds one more thing that the name may be."""
        self.bindings.setdefault(name, []).append(binding)


def read_module(name: str, path: Path) -> Module:
    """Reads the module's file.

    Raises:
        FunctionsError: The file cannot be read or is not Python.
    """
    module = Module(name, path)
    try:
        text = path.read_bytes()
        tree = ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise FunctionsError(f"{shown(path)}:{error.lineno or 1}: {type(error).__name__}: {error.msg}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise FunctionsError(f"{shown(path)}: cannot be read as Python: {error}") from error
    statements = list(_running_statements(tree.body))
    for statement in statements:
        _bind_statement(module, statement)
    for statement in statements:
        _place_changes(module, statement)
    if b"global " in text:
        _bind_globals(module, statements)
    return module


def imported_names(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Import]]:
    """Each name that the statement binds, `*` included; relative imports start from `package`."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            bound = alias.asname or alias.name.partition(".")[0]
            yield bound, Import(alias.name, alias.name if alias.asname else bound, ())
        return
    source = _absolute(statement, package)
    for alias in statement.names:
        yield alias.asname or alias.name, Import(source, source, (alias.name,))


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parents = package.split(".")
    kept = parents[: len(parents) - statement.level + 1]
    return ".".join([*kept, statement.module] if statement.module else kept)


def _running_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Leaves out docstrings and what no import runs: `if TYPE_CHECKING:`, `if __name__ == "__main__":`."""
    for statement in body:
        if isinstance(statement, ast.If) and _never_imported(statement.test):
            yield from _running_statements(statement.orelse)
        elif not (isinstance(statement, ast.Pass) or _is_constant(statement)):
            yield statement


def _is_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _never_imported(test: ast.expr) -> bool:
    return ast.unparse(test) in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
        "__name__ == '__main__'",
        "'__main__' == __name__",
    }


def _bind_statement(module: Module, statement: ast.stmt) -> None:
    if isinstance(statement, _DEFINITION):
        module.bind(statement.name, statement)
    elif isinstance(statement, _IMPORT):
        _bind_import(module, statement)
    else:
        for name in bound_names([statement]):
            module.bind(name, statement)
        if not isinstance(statement, _ASSIGNMENT):
            module.effects.append(statement)
            for nested in _imports_within(statement):
                _bind_import(module, nested)


def _bind_import(module: Module, statement: ast.Import | ast.ImportFrom) -> None:
    for name, target in imported_names(statement, module.package):
        module.imports.append(target)
        if name == "*":
            module.stars.append(target.loads)
        else:
            module.bind(name, target)


def _imports_within(block: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(block):
        if isinstance(child, _IMPORT):
            yield child
        elif not isinstance(child, _DEFINITION | ast.expr):
            yield from _imports_within(child)


def _place_changes(module: Module, statement: ast.stmt) -> None:
    """`TABLE["a"] = 1` belongs to TABLE; `torch.backends.x = 1` changes a foreign module: counts for all."""
    if not isinstance(statement, _ASSIGNMENT):
        return
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    written = [node for target in targets for node in ast.walk(target) if _is_written_place(node)]
    for root in {_root(place) for place in written}:
        bindings = module.bindings.get(root, [])
        if any(isinstance(binding, ast.stmt) for binding in bindings):
            module.bind(root, statement)
        else:
            module.effects.append(statement)


def _is_written_place(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)


def _root(target: ast.AST) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _bind_globals(module: Module, statements: list[ast.stmt]) -> None:
    """A function that says `global x` is one of the places that decide what x is."""
    for statement in statements:
        if isinstance(statement, _DEFINITION):
            nodes = ast.walk(statement)
            for name in {name for node in nodes if isinstance(node, ast.Global) for name in node.names}:
                module.bind(name, statement)
