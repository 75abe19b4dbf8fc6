"""What each of the five functions must look like, and which rule one breaks. Nothing is called."""

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import Parameter

_COLLECTS = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}


@dataclass(frozen=True)
class Contract:
    """One of the five functions: its name, the parameters it is called with, and whether it must exist."""

    name: str
    parameters: tuple[str, ...]
    required: bool

    @property
    def definition(self) -> str:
        """The line that defines it."""
        return f"def {self.name}({', '.join(self.parameters)}):"


CONTRACTS = (
    Contract("process_func", ("row", "files", "home", "overwrite"), required=False),
    Contract("get_dataset_features", ("num_labels",), required=True),
    Contract("encode_data", ("instance", "label2id", "model"), required=True),
    Contract("get_model", ("model", "labels"), required=True),
    Contract("compute_metrics", ("predictions", "references", "labels"), required=False),
)


def signature_problem(contract: Contract, parameters: Sequence[Parameter]) -> str | None:
    """The rule that the parameters break, with what was found; None if they keep the contract.

    They must begin with the contract's names, in its order, each usable by position and by name; what follows
    must be optional.
    """
    expected = contract.parameters
    head, extra = parameters[: len(expected)], parameters[len(expected) :]
    fits = [parameter.name for parameter in head] == list(expected) and all(
        parameter.kind is Parameter.POSITIONAL_OR_KEYWORD for parameter in head
    )
    if not fits:
        found = _shown(parameters)
        return f"parameters must be ({', '.join(expected)}), in this order, but got {found}"
    demanding = [p.name for p in extra if p.default is Parameter.empty and p.kind not in _COLLECTS]
    if demanding:
        return f"further parameters must have a default, but {', '.join(demanding)} has none"
    return None


def _shown(parameters: Sequence[Parameter]) -> str:
    bare = [parameter.replace(annotation=Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))


def definition_problem(contract: Contract, statement: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """The rule that a function's source breaks; a decorated function's signature is not judged."""
    if isinstance(statement, ast.AsyncFunctionDef):
        return "must be a plain function, but got async def"
    if not statement.decorator_list:
        problem = signature_problem(contract, _parameters(statement.args))
        if problem:
            return problem
    if all(_says_nothing(part) for part in statement.body):
        return "must have a body, but it is empty (pass, ..., a docstring or NotImplementedError)"
    return None


def _parameters(arguments: ast.arguments) -> list[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    kinds: list[inspect._ParameterKind] = [Parameter.POSITIONAL_ONLY for _ in arguments.posonlyargs]
    kinds += [Parameter.POSITIONAL_OR_KEYWORD for _ in arguments.args]
    found = [_parameter(*each) for each in zip(positional, kinds, defaults, strict=True)]
    if arguments.vararg:
        found.append(_parameter(arguments.vararg, Parameter.VAR_POSITIONAL, None))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(_parameter(argument, Parameter.KEYWORD_ONLY, default))
    if arguments.kwarg:
        found.append(_parameter(arguments.kwarg, Parameter.VAR_KEYWORD, None))
    return found


class _Source:
    """Shows a default as it is written."""

    def __init__(self, expression: ast.expr) -> None:
        self._text = ast.unparse(expression)

    def __repr__(self) -> str:
        return self._text


def _parameter(argument: ast.arg, kind: inspect._ParameterKind, default: ast.expr | None) -> Parameter:
    return Parameter(argument.arg, kind, default=Parameter.empty if default is None else _Source(default))


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)
