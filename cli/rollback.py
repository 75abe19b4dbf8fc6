"""`run.py rollback EXPERIMENT`: puts the version that was in production before the present one there again."""

import sys
from collections.abc import Sequence

from cli.arguments import experiment_parser
from cli.main import Exit
from cli.registries import registered, who
from finetune.errors import RegistryError
from finetune.progress import say
from finetune.registry.move import roll_back


def rollback(arguments: Sequence[str]) -> int:
    """Moves it; gives 0, or 1 where nothing was moved, with the reason."""
    parser = experiment_parser("rollback", "Goes back to the version that was in production before.")
    options = parser.parse_args(arguments)
    try:
        with registered(options) as found:
            move = roll_back(found.home, found.registries, by=who(), say=say)
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.FAILED
    names = ", ".join(registry.name for registry in found.registries)
    print(f"{found.home.experiment}, version {move.version}: {move.to} again in {names}")
    return Exit.DONE
