import pytest
import torch

from finetune.errors import TrainError
from finetune.training.precision import choose_precision


def test_what_is_written_is_taken() -> None:
    assert choose_precision("fp32") == "fp32"
    assert choose_precision("bf16") == "bf16"


def test_auto_is_bf16_or_fp32_and_always_the_same() -> None:
    assert choose_precision("auto") in ("bf16", "fp32")
    assert choose_precision("auto") == choose_precision("auto")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in fp16")
def test_fp16_without_a_gpu_is_refused() -> None:
    with pytest.raises(TrainError, match="train.precision: fp16 needs a GPU .* write bf16, fp32 or auto"):
        choose_precision("fp16")
