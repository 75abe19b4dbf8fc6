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
    assert two == pytest.approx(one, abs=1e-3)
    assert any(re.search(r"validation_loss \d", line) for line in bench.said)
    assert not any(line.startswith("algo-2: train: ") for line in bench.said)
