"""A syntax tree as text that is equal as long as the same runs."""

import ast
from collections.abc import Callable

# Type comments, contexts and the u of u"..." say nothing about what runs.
_IGNORED = {"type_comment", "ctx", "kind", "type_ignores"}


def text_of(node: ast.AST) -> str:
    """The syntax tree as text, without positions and empty fields (these differ between Python versions)."""
    parts: list[str] = []
    _write(node, parts.append)
    return "".join(parts)


def _write(value: object, write: Callable[[str], None]) -> None:
    if isinstance(value, ast.AST):
        write(type(value).__name__)
        write("(")
        for name in value._fields:
            content = getattr(value, name, None)
            if content is not None and content != [] and name not in _IGNORED:
                write(name)
                write("=")
                _write(content, write)
        write(")")
    elif isinstance(value, list):
        write("[")
        for item in value:
            _write(item, write)
            write(",")
        write("]")
    else:
        write(repr(value))
