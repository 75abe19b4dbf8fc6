"""Read a config file and those that it extends. What the values mean is not checked here."""

import os
from pathlib import Path

from finetune.config.lines import parse
from finetune.config.located import Located, Place, Problem
from finetune.config.merge import merge

EXTENDS = "extends"


def read_chain(path: Path, problems: list[Problem]) -> Located | None:
    """Return the file laid over the files that it extends, or None when one of them cannot be read."""
    return _read(path, Place(str(path)), (), problems, ())


def _read(
    path: Path, asked: Place, key: tuple[str, ...], problems: list[Problem], chain: tuple[Path, ...]
) -> Located | None:
    text = _text(path, asked, key, problems)
    if text is not None and os.path.realpath(path) in map(os.path.realpath, chain):
        circle = " -> ".join(str(member) for member in (*chain, path))
        problems.append(Problem(asked, key, f"must not form a cycle, but got {circle}"))
        return None
    tree = None if text is None else _mapping(text, str(path), problems)
    if tree is None or EXTENDS not in tree.value:
        return tree
    entries = dict(tree.value)
    name = entries.pop(EXTENDS)
    if not isinstance(name.value, str) or not name.value:
        problems.append(Problem(name.place, (EXTENDS,), "must be the path of a YAML file, relative to this"))
        return None
    base = Path(os.path.normpath(path.parent / name.value))
    below = _read(base, name.place, (EXTENDS,), problems, (*chain, path))
    return None if below is None else merge(below, Located(entries, tree.place))


def _text(path: Path, asked: Place, key: tuple[str, ...], problems: list[Problem]) -> str | None:
    """Return the content; asked is what a missing file is blamed on: itself, or the line that extends it."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(Place(str(path), line), (), "must be UTF-8 text; save it as UTF-8"))
    except IsADirectoryError:
        problems.append(Problem(asked, key, f"must be a YAML file, but {path} is a folder"))
    except FileNotFoundError:
        problems.append(Problem(asked, key, f"the file {path} does not exist; check the path"))
    except PermissionError:
        problems.append(Problem(asked, key, f"the file {path} cannot be read: permission denied"))
    except (OSError, ValueError) as error:
        problems.append(Problem(asked, key, f"the file {path!s} cannot be read: {error}"))
    return None


def _mapping(text: str, source: str, problems: list[Problem]) -> Located | None:
    tree = parse(text, lambda line: Place(source, line), problems)
    if tree is None:
        return None
    if isinstance(tree.value, dict):
        return tree.moved(Place(source))
    got = "must not be empty" if tree.value is None else "must hold a mapping (key: value) at the top"
    problems.append(Problem(Place(source), (), f"{got}; start with experiment: and functions:"))
    return None
