"""What a piece of code uses: names that its own scopes do not bind, with the attributes read from them."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

Chain = tuple[str, ...]
"""A name and the attributes read from it: `torch.nn.Linear` is ("torch", "nn", "Linear")."""

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_WHOLE_MODULE = {"globals", "eval", "exec"}
_LOADERS = {"import_module", "__import__"}


@dataclass
class Uses:
    """Everything that a statement takes from outside itself."""

    chains: set[Chain] = field(default_factory=set)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    """Import statements inside it; the names that they bind stay in `chains`."""
    loaded: set[str] = field(default_factory=set)
    """Literal module names given to import_module() or __import__()."""
    whole_module: bool = False
    """It calls globals(), eval() or exec(), and so may use any name of its module."""


def uses(statement: ast.AST) -> Uses:
    """Collects what a module-level statement uses, Python's scopes respected.

    A name of a class body hides nothing, since methods do not see it. Annotations in strings are not read.
    """
    found = Uses()
    _collect(statement, frozenset(), found)
    return found


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that these nodes bind in their own scope, except through import and `global`."""
    names: set[str] = set()
    declared_global: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                names.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.Global):
            declared_global.update(node.names)
        elif isinstance(node, _COMPREHENSIONS):
            names.update(_walrus_names(node))
        elif not isinstance(node, ast.Lambda):
            names.update(_captured_names(node))
            todo.extend(ast.iter_child_nodes(node))
    return names - declared_global


def _walrus_names(comprehension: ast.AST) -> set[str]:
    return {node.target.id for node in ast.walk(comprehension) if isinstance(node, ast.NamedExpr)}


def _captured_names(node: ast.AST) -> set[str]:
    """Names that except clauses and match patterns bind as plain strings."""
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return {node.name} if node.name else set()
    if isinstance(node, ast.MatchMapping):
        return {node.rest} if node.rest else set()
    return set()


def _collect(node: ast.AST, local: frozenset[str], found: Uses) -> None:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in local:
            found.chains.add((node.id,))
    elif isinstance(node, ast.Attribute):
        _collect_attribute(node, local, found)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        _collect_function(node, local, found)
    elif isinstance(node, _COMPREHENSIONS):
        _collect_comprehension(node, local, found)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        found.imports.append(node)
    elif isinstance(node, ast.Global):
        found.chains.update((name,) for name in node.names)
    else:
        if isinstance(node, ast.Call):
            _collect_dynamic(node, found)
        _collect_all(ast.iter_child_nodes(node), local, found)


def _collect_all(nodes: Iterable[ast.AST], local: frozenset[str], found: Uses) -> None:
    for node in nodes:
        _collect(node, local, found)


def _collect_attribute(node: ast.Attribute, local: frozenset[str], found: Uses) -> None:
    names = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        names.append(value.attr)
        value = value.value
    if not isinstance(value, ast.Name):
        _collect(value, local, found)
    elif value.id not in local:
        found.chains.add((value.id, *reversed(names)))


def _collect_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, local: frozenset[str], found: Uses
) -> None:
    arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    parameters += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    _collect(arguments, local, found)
    if not isinstance(node, ast.Lambda):
        _collect_all([*node.decorator_list, *([node.returns] if node.returns else [])], local, found)
    declared = {name for part in body for name in _global_names(part)}
    inner = (local - declared) | bound_names(body) | {parameter.arg for parameter in parameters}
    _collect_all(body, inner, found)


def _global_names(statement: ast.AST) -> set[str]:
    """Names declared `global` in the scope of the statement, not in functions within it."""
    if isinstance(statement, ast.Global):
        return set(statement.names)
    if isinstance(statement, (ast.expr, *_DEFINITIONS)):
        return set()
    return {name for child in ast.iter_child_nodes(statement) for name in _global_names(child)}


def _collect_comprehension(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, local: frozenset[str], found: Uses
) -> None:
    # The first iterable is evaluated outside the comprehension's scope: [x for x in x] reads an outer x.
    _collect(node.generators[0].iter, local, found)
    inner = local | bound_names(generator.target for generator in node.generators)
    for part in ast.iter_child_nodes(node):
        if part is not node.generators[0]:
            _collect(part, inner, found)
    _collect_all(node.generators[0].ifs, inner, found)


def _collect_dynamic(call: ast.Call, found: Uses) -> None:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name in _WHOLE_MODULE and isinstance(function, ast.Name):
        found.whole_module = True
    elif name in _LOADERS and call.args:
        argument = call.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            found.loaded.add(argument.value)
