from io import StringIO

from rich.console import Console

from cli.versions import differing, table
from finetune.registry.facts import Facts
from finetune.registry.stages import Move, Stage
from tests.finetune.registry.test_move import FACTS

VERSIONS = [Facts(run_number=number, **FACTS) for number in (5, 6)]
MOVES = [Move(5, Stage.PRODUCTION, "2026-01-02T03:04:05+00:00", "ana@desk")]


def test_the_table_has_a_row_for_each_version_with_its_stage_in_each_registry() -> None:
    out = StringIO()
    told = {"zenml": {5: Stage.PRODUCTION, 6: Stage.NONE}, "mlflow": None, "sagemaker": {5: Stage.PRODUCTION}}
    Console(file=out, width=140).print(table(VERSIONS, told, MOVES))
    six, five = [line for line in out.getvalue().splitlines() if "0.900" in line]
    assert five.count("production") == 2 and "ana@desk" in five and "2026-01-02 03:04:05" in five
    assert "not there" in six and "none" in six and "?" in six and "2026-01-01" in six


def test_registries_that_differ_are_named_with_what_mends_it() -> None:
    told = {"zenml": {5: Stage.PRODUCTION, 6: Stage.NONE}, "sagemaker": {5: Stage.NONE, 6: Stage.NONE}, "mlflow": None}
    assert differing([5, 6], told) == [
        "version 5 is production in zenml, none in sagemaker; promote brings them together"
    ]
