import json
import re
from typing import Any

import pytest

from finetune.errors import ComputeError
from tests.operators.conftest import SETTINGS, Bench

TWO: dict[str, Any] = {"instance_count": 2}


def curve(bench: Bench, job: dict[str, Any]) -> list[dict[str, float]]:
    return list(json.loads(bench.model(job)["history.json"]))


def failed(bench: Bench, model: dict[str, Any], **machines: Any) -> str:
    with pytest.raises(ComputeError) as caught:
        bench.train(model, **machines)
    return str(caught.value)


def test_two_instances_train_one_model_as_one_instance_does(bench: Bench) -> None:
    settings = {"group_by_length": False, "gradient_clipping": 0}
    alone, together = bench.train(settings=settings), bench.train(settings=settings, **TWO)
    files = bench.model(together)
    assert sorted(files) == ["history.json", "model/finetune.json", "model/model.safetensors"]
    one, two = ([point["loss"] for point in curve(bench, job) if "loss" in point] for job in (alone, together))
    assert len(one) == len(two) == 16
    assert two == pytest.approx(one, rel=1e-4)
    assert any(re.search(r"validation_loss \d", line) for line in bench.said)
    assert not any(line.startswith("algo-2: train: ") for line in bench.said)


def test_batches_of_like_length_hold_each_example_once_an_epoch_on_two_instances(bench: Bench) -> None:
    job = bench.train(settings={"epochs": 1}, **TWO)
    losses = [point for point in curve(bench, job) if "loss" in point]
    assert len(losses) == 64 / SETTINGS["batch_size"]  # type: ignore[operator]


def test_a_batch_that_cannot_be_divided_is_refused(bench: Bench) -> None:
    message = failed(bench, {}, settings={"batch_size": 9}, **TWO)
    assert "train.batch_size: must be a multiple of the 2 processes, but got 9" in message


@pytest.mark.parametrize(
    ("rank", "how", "says"),
    [
        (0, "raise", "AlgorithmError: train: rank 0: ValueError: the model fell over"),
        (1, "raise", "another process failed: algo-2: train: rank 1: ValueError: the model fell over"),
        (0, "kill", "train: rank 0: the process was ended by signal 9; its memory may have run out"),
        (1, "kill", "algo-2: train: rank 1: the process was ended by signal 9; its memory may have run out"),
    ],
)
def test_both_instances_end_with_the_failure_of_either(bench: Bench, rank: int, how: str, says: str) -> None:
    message = failed(bench, {"rank": rank, "how": how}, **TWO)
    assert says in message


def test_a_step_that_is_not_training_runs_on_the_first_instance_alone(bench: Bench) -> None:
    job = bench.code("import socket; print('I am', socket.gethostname())", **TWO)
    assert job["TrainingJobStatus"] == "Completed"
    assert [line for line in bench.said if "I am" in line] == ["I am algo-1"]


def test_the_other_instance_ends_with_the_error_of_such_a_step(bench: Bench) -> None:
    with pytest.raises(ComputeError) as caught:
        bench.code("import sys; sys.exit(7)", **TWO)
    assert "the process ended with exit code 7" in str(caught.value)
    assert "algo-2: the leader, algo-1, failed\nalgo-2: the process ended with exit code 7" in str(caught.value)


@pytest.mark.parametrize("machines", [{}, TWO])
def test_a_training_whose_spot_machines_are_taken_goes_on_from_its_checkpoint(
    bench: Bench, machines: dict[str, Any]
) -> None:
    settings = {"epochs": 30, "save_every": 5}
    slow = {"seconds": 0.05}
    undisturbed = bench.train(slow, settings=settings)
    name = bench.submit_training(slow, settings=settings, spot=True, max_run_hours=1, max_wait_hours=1, **machines)
    bench.interrupt_in_training(name)
    job = bench.wait(name)
    assert job["TrainingJobStatus"] == "Completed"
    assert "Interrupted" in [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert (
        sum(
            bool(re.fullmatch(r"(algo-1: )?train: goes on from the checkpoint of step \d+", line))
            for line in bench.said
        )
        == 1
    )
    one, other = curve(bench, undisturbed), curve(bench, job)
    assert [point["step"] for point in one] == [point["step"] for point in other]
    if not machines:
        assert one == other
