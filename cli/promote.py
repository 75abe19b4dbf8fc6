"""`run.py promote EXPERIMENT VERSION --to STAGE`: puts a registered model into a stage, in all registries or none."""

import sys
from collections.abc import Sequence

from cli.arguments import experiment_parser
from cli.main import Exit
from cli.registries import registered, who
from finetune.errors import RegistryError
from finetune.progress import say
from finetune.registry.move import promote as promote_version
from finetune.registry.stages import Stage


def promote(arguments: Sequence[str]) -> int:
    """Moves it; gives 0, or 1 where nothing was moved, with the reason."""
    parser = experiment_parser("promote", "Puts a registered model into a stage, in all registries or in none.")
    parser.add_argument("version", metavar="VERSION", type=int, help="the run number")
    parser.add_argument("--to", metavar="STAGE", required=True, choices=[*map(str, Stage)], help="|".join(Stage))
    options = parser.parse_args(arguments)
    try:
        with registered(options) as found:
            move = promote_version(found.home, found.registries, options.version, Stage(options.to), by=who(), say=say)
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.FAILED
    names = ", ".join(registry.name for registry in found.registries)
    print(f"{found.home.experiment}, version {move.version}: {move.to} in {names}")
    return Exit.DONE
