"""Enters a version: its package and facts into the home, and from these into each registry."""

from collections.abc import Callable, Sequence
from pathlib import Path

from finetune.experiment import Home
from finetune.registry.facts import FILE, PACKAGE, Facts, read_facts, write_facts
from finetune.registry.registry import Registry


def enter(
    home: Home, version: int, make: Callable[[], tuple[Path, Facts]], registries: Sequence[Registry]
) -> dict[str, str]:
    """Gives the version's address in each registry; one that is entered again stays as it is.

    Args:
        home: The experiment's home.
        version: The run number.
        make: Makes package and facts; not called where they are there already.
        registries: Those of the stack.

    Raises:
        RegistryError: A registry does not answer. Entering again does what is missing.
    """
    folder = home.model(version)
    if not home.storage.exists(str(folder / FILE)):
        package, facts = make()
        home.storage.claim(str(folder))  # it may be there
        home.storage.put(package, str(folder / PACKAGE))
        write_facts(home, facts)
    facts = read_facts(home, version)
    return {registry.name: registry.register(facts) for registry in registries}
