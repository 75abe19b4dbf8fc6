"""The stack files of this folder, read and checked without ZenML and without AWS."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from finetune.config.fields import spot
from finetune.config.located import Located, Problem, plain
from finetune.config.problems import explain, message
from finetune.config.references import expand
from finetune.config.sources import read_chain
from finetune.errors import ConfigError
from stacks.values import Components, StackFile, Values

FOLDER = Path(__file__).parent
SHAPE = spot(StackFile)


@dataclass(frozen=True)
class Stack:
    """A stack as its file describes it.

    root: replaces the config's root, where it is given.
    production: prefix in S3 where production's files (`<functions>/files`) and labels (`<functions>/labels.db`) lie.
    values: the AWS account's; None for a stack of this machine.
    """

    name: str
    root: str | None
    production: str | None
    values: Values | None
    components: Components


def stack_names() -> list[str]:
    """Names of the stacks that have a file here."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def stack_file(name: str) -> Path:
    """The file of the stack of that name.

    Raises:
        ConfigError: There is no such file.
    """
    if name not in stack_names():
        raise ConfigError(f"--stack {name}: there is no file {name}.yaml in stacks/; known: {', '.join(stack_names())}")
    return FOLDER / f"{name}.yaml"


def load_stack(name: str) -> Stack:
    """The stack of that name.

    Raises:
        ConfigError: There is no such file, or something is wrong with it; a line for each problem: file and line,
            key, rule, value.
    """
    return read_stack(stack_file(name))


def read_stack(file: Path) -> Stack:
    """The stack that a file describes.

    Raises:
        ConfigError: As `load_stack`.
    """
    problems: list[Problem] = []
    tree = read_chain(file, problems)
    found = None if tree is None else _validated(expand(tree, SHAPE, problems), problems)
    if found is None or problems:
        raise ConfigError(message(problems))
    return Stack(file.stem, found.root, found.production, found.values, found.components)


def _validated(tree: Located, problems: list[Problem]) -> StackFile | None:
    try:
        return StackFile.model_validate(plain(tree))
    except ValidationError as error:
        found = explain(error.errors(include_url=False, include_input=False), tree, SHAPE)
    # A reference that could not be filled in has its problem already.
    known = {problem.path for problem in problems}
    problems.extend(problem for problem in found if problem.path not in known)
    return None
