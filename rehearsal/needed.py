"""The packages that a rehearsal needs beside those of run.py."""

from importlib.util import find_spec

from rehearsal.errors import RehearsalError

NEEDED = ("moto", "boto3", "regex", "flask")


def check_packages() -> None:
    """Refuses to begin where one is missing.

    Raises:
        RehearsalError: Names them, and the command that installs them.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise RehearsalError(f"rehearsal: needs {', '.join(missing)}; pip install -r requirements-dev.txt")
