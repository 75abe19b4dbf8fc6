import pytest

from tests.operators.conftest import Bench


def test_a_step_runs_with_its_whole_environment_and_its_lines_are_told(bench: Bench) -> None:
    long = "ü" * 2000
    code = "import os; print('length', len(os.environ['TOKEN']), os.environ['TOKEN'] == 'ü' * 2000)"
    job = bench.code(code, variables={"TOKEN": long})
    assert job["TrainingJobStatus"] == "Completed"
    assert "length 2000 True" in bench.said
    assert any(line.endswith(": Training") for line in bench.said)
    assert any(line.endswith(": Completed") for line in bench.said)
