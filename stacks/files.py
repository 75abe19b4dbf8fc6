"""The stack files of this folder, found without ZenML."""

from pathlib import Path

from finetune.errors import ConfigError

FOLDER = Path(__file__).parent


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
