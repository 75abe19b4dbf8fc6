import json
import math
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from datasets import DatasetDict, Features, List, Value
from safetensors.torch import load_file
from sklearn.utils.class_weight import compute_class_weight
from transformers.modeling_outputs import SequenceClassifierOutput

from finetune.errors import EvaluateError, FunctionsError, TrainError
from finetune.training.fit import _class_weights
from tests.finetune.training.conftest import LABELS, Bag, Prepared, TrainTiny, rows


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_training_lowers_both_losses_and_tells_its_history(
    train_tiny: TrainTiny, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train_tiny()
    line = r"train: step 6, loss [0-9.]+, validation_loss [0-9.]+, validation_macro_f1 [0-9.]+"
    assert re.search(f"^{line}$", capsys.readouterr().err, re.MULTILINE)
    losses = result.losses()
    assert len(losses) == 18
    assert sum(losses[-6:]) < 0.7 * sum(losses[:6])
    assert result.losses("validation_loss")[-1] < result.losses("validation_loss")[0]
    last = result.trained.history[-1]
    assert last["epoch"] == 3 and last["step"] == 18
    assert {"validation_loss", "validation_macro_f1", "validation_accuracy"} <= last.keys()
    assert not any("second" in name or "runtime" in name for point in result.trained.history for name in point)
    assert result.trained.seconds > 0 and result.trained.examples_per_second > 0


def test_the_same_seed_gives_the_same_training_and_another_seed_another(train_tiny: TrainTiny) -> None:
    one, two, other = train_tiny(), train_tiny(), train_tiny(seed=7)
    assert one.trained.history == two.trained.history
    assert same(weights(one.model), weights(two.model))
    assert one.losses() != other.losses()


def test_the_working_directory_stays_empty(train_tiny: TrainTiny) -> None:
    result = train_tiny(epochs=1)
    assert list(Path.cwd().iterdir()) == []
    assert sorted(path.name for path in result.model.iterdir()) == ["finetune.json", "model.safetensors"]
    facts = json.loads((result.model / "finetune.json").read_text())
    about = {"functions": "tiny", "model": {}, "code": ""}
    assert facts == about | {"labels": LABELS, "features": ["words"], "padding": {}}


def test_the_checkpoint_that_is_best_on_validation_is_kept_and_told(
    train_tiny: TrainTiny, prepared: Prepared, capsys: pytest.CaptureFixture[str]
) -> None:
    # Validation has the opposite labels: every epoch makes it worse, so the first one is the best.
    data = prepared(flip_validation=True)
    result = train_tiny(data, best_metric="loss", epochs=4, schedule="constant")
    losses = result.losses("validation_loss")
    assert losses[0] == min(losses) < losses[-1]
    assert "\ntrain: keeps step 6, the lowest validation loss (" in capsys.readouterr().err
    first_epoch = train_tiny(data, best_metric="loss", epochs=1, schedule="constant")
    assert same(weights(result.model), weights(first_epoch.model))


def test_of_checkpoints_with_equal_metrics_the_one_with_the_lowest_loss_is_kept(train_tiny: TrainTiny) -> None:
    always = train_tiny(compute_metrics=lambda *given: {"score": 1.0}, best_metric="score", epochs=3)
    losses = always.losses("validation_loss")
    assert losses[2] == min(losses) < losses[0]
    assert same(weights(always.model), weights(train_tiny(best_metric="loss", epochs=3).model))


@pytest.mark.parametrize(("metric", "best"), [("score", 3), ("log_loss", 1), ("error_rate", 1)])
def test_a_metric_named_loss_or_error_is_better_when_lower(train_tiny: TrainTiny, metric: str, best: int) -> None:
    seen: list[int] = []

    def compute_metrics(predictions: Any, references: Any, labels: Any) -> dict[str, float]:
        seen.append(1)
        return {metric: float(len(seen))}

    result = train_tiny(compute_metrics=compute_metrics, best_metric=metric, epochs=3, schedule="constant")
    until_best = train_tiny(epochs=best, schedule="constant")
    assert same(weights(result.model), weights(until_best.model))


def test_training_stops_early_after_epochs_without_a_better_metric(train_tiny: TrainTiny, prepared: Prepared) -> None:
    result = train_tiny(prepared(flip_validation=True), best_metric="loss", epochs=10, early_stopping=2)
    assert len(result.losses("validation_loss")) == 3
    assert result.trained.history[-1]["epoch"] == 3


def test_balanced_weights_are_those_of_scikit_learn_and_change_the_loss(
    train_tiny: TrainTiny, prepared: Prepared
) -> None:
    train = prepared()["train"]
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=np.array(train["labels"][:]))
    np.testing.assert_allclose(_class_weights(train, 2), expected, rtol=1e-6)
    plain, balanced = train_tiny(epochs=1), train_tiny(epochs=1, class_weights="balanced")
    assert plain.losses()[0] != balanced.losses()[0]


def test_the_weighted_loss_is_cross_entropy_with_these_weights(train_tiny: TrainTiny, prepared: Prepared) -> None:
    data = prepared(count=8)
    torch.manual_seed(0)
    start = Bag().state_dict()

    def get_model(model: dict[str, Any], labels: list[str]) -> Bag:
        bag = Bag()
        bag.load_state_dict(start)
        return bag

    result = train_tiny(data, get_model, epochs=1, class_weights="balanced")
    bag = get_model({}, LABELS)
    words = [torch.tensor(row) for row in data["train"]["words"][:]]
    logits = bag.logits(torch.nn.utils.rnn.pad_sequence(words, batch_first=True))
    labels = torch.tensor(data["train"]["labels"][:])
    loss = torch.nn.functional.cross_entropy(logits, labels, weight=_class_weights(data["train"], 2))
    assert result.losses()[0] == pytest.approx(loss.item(), abs=1e-4)


@pytest.mark.parametrize("group_by_length", [True, False])
def test_accumulated_batches_give_the_same_model_as_a_larger_batch(
    train_tiny: TrainTiny, prepared: Prepared, group_by_length: bool
) -> None:
    settings: dict[str, Any] = {"gradient_clipping": 0, "weight_decay": 0.1, "group_by_length": group_by_length}
    data = prepared(count=32)
    large = train_tiny(data, batch_size=16, epochs=2, **settings)
    small = train_tiny(data, batch_size=4, gradient_accumulation=4, epochs=2, **settings)
    assert len(large.losses()) == len(small.losses()) == 4
    np.testing.assert_allclose(large.losses(), small.losses(), atol=2e-4)
    assert close(weights(large.model), weights(small.model))


def gradient_norms(result: Any) -> list[float]:
    return [point["grad_norm"] for point in result.trained.history if "grad_norm" in point]


def test_accumulated_gradients_are_as_large_as_those_of_a_larger_batch(
    train_tiny: TrainTiny, prepared: Prepared
) -> None:
    data = prepared(count=32)
    large = train_tiny(data, batch_size=16, epochs=1)
    small = train_tiny(data, batch_size=4, gradient_accumulation=4, epochs=1)
    np.testing.assert_allclose(gradient_norms(large), gradient_norms(small), rtol=1e-3)


def test_clipping_changes_training_and_0_switches_it_off(train_tiny: TrainTiny) -> None:
    def big(model: Any, labels: Any) -> Bag:
        bag = Bag()
        bag.head.weight.data *= 50
        return bag

    clipped, off, loose = (train_tiny(get_model=big, epochs=1, gradient_clipping=norm) for norm in (0.01, 0, 1e9))
    assert off.losses() == pytest.approx(loose.losses(), abs=1e-6)
    assert clipped.losses() != pytest.approx(off.losses(), abs=1e-6)


def rates(result: Any) -> list[float]:
    return [point["learning_rate"] for point in result.trained.history if "learning_rate" in point]


def test_warm_up_is_a_share_of_all_steps_and_linear_falls_to_0(train_tiny: TrainTiny) -> None:
    found = rates(train_tiny(epochs=4, warmup=0.25))  # 24 steps, 6 of them warm-up
    assert found[:7] == pytest.approx([0.05 * step / 6 for step in range(7)])
    assert found[-1] == pytest.approx(0.05 / 18)
    assert found[7:] == sorted(found[7:], reverse=True)


@pytest.mark.parametrize(
    ("schedule", "warmup", "first", "last"),
    [
        ("constant", 0, 0.05, 0.05),
        ("constant_with_warmup", 0.5, 0.0, 0.05),
        ("cosine", 0, 0.05, 0.05 * (1 + math.cos(math.pi * 5 / 6)) / 2),
        ("polynomial", 0, 0.05, 0.05 / 6),
    ],
)
def test_each_schedule_begins_and_ends_as_it_should(
    train_tiny: TrainTiny, schedule: str, warmup: float, first: float, last: float
) -> None:
    found = rates(train_tiny(epochs=1, schedule=schedule, warmup=warmup))
    assert (found[0], found[-1]) == pytest.approx((first, last), abs=1e-4)


def test_part_of_an_epoch_is_validated_and_kept(train_tiny: TrainTiny) -> None:
    result = train_tiny(epochs=0.5)
    assert len(result.losses()) == 3
    assert len(result.losses("validation_loss")) == 1


def test_bf16_trains_and_keeps_weights_in_fp32(train_tiny: TrainTiny) -> None:
    result = train_tiny(precision="bf16", class_weights="balanced")
    assert result.trained.precision == "bf16"
    assert result.losses()[-1] < result.losses()[0]
    assert {tensor.dtype for tensor in weights(result.model).values()} == {torch.float32}


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a compiler for C++, and there is none")
def test_a_compiled_model_has_the_loss_curve_of_the_plain_one_and_the_same_weights(train_tiny: TrainTiny) -> None:
    plain, compiled = train_tiny(epochs=1), train_tiny(epochs=1, compile=True)
    curves = [[point["loss"] for point in result.trained.history if "loss" in point] for result in (plain, compiled)]
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)
    assert weights(compiled.model).keys() == weights(plain.model).keys()


def test_an_unknown_best_metric_names_those_that_there_are(train_tiny: TrainTiny) -> None:
    with pytest.raises(FunctionsError, match=r"train.best_metric: .*\(accuracy, macro_f1, .*\), but got 'f1'"):
        train_tiny(best_metric="f1")


class WithNaN(Bag):
    """Diverges after some steps, or gives a NaN loss with good logits."""

    def __init__(self, logits_too: bool) -> None:
        super().__init__()
        self.logits_too, self.steps = logits_too, 0

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        outputs = super().forward(words, labels)
        self.steps += self.training
        if self.steps < 3:
            return outputs
        return {
            name: value * math.nan if name == "loss" or self.logits_too else value for name, value in outputs.items()
        }


@pytest.mark.parametrize("logits_too", [True, False])
@pytest.mark.parametrize("log_every", [1, 1000])
def test_a_nan_loss_ends_training_with_advice_and_leaves_nothing(
    train_tiny: TrainTiny, tmp_path: Path, logits_too: bool, log_every: int
) -> None:
    with pytest.raises((TrainError, EvaluateError), match=r"NaN|nan") as caught:
        train_tiny(get_model=lambda model, labels: WithNaN(logits_too), log_every=log_every)
    assert "train.learning_rate" in str(caught.value)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_nan_loss_says_which_step(train_tiny: TrainTiny, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TrainError, match=re.escape("the training loss is nan at step 3 of 18 (epoch 0.50)")):
        train_tiny(get_model=lambda model, labels: WithNaN(False))
    assert "train: broken off after 3 of 18 steps in " in capsys.readouterr().err


class Huge(Bag):
    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        torch.empty(10**17)
        return super().forward(words, labels)


def test_memory_that_runs_out_says_how_to_need_less(train_tiny: TrainTiny) -> None:
    with pytest.raises(TrainError, match="train.batch_size: a batch of 8 does not fit .* halve it"):
        train_tiny(get_model=lambda model, labels: Huge())


class AsModelOutput(Bag):
    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        return SequenceClassifierOutput(**super().forward(words, labels))


class AsAttributes(Bag):
    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        return SimpleNamespace(**super().forward(words, labels), hidden=words)


class Outputs(NamedTuple):
    loss: torch.Tensor | None
    logits: torch.Tensor


class AsNamedTuple(Bag):
    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        return Outputs(**super().forward(words, labels))


@pytest.mark.parametrize("module", [AsModelOutput, AsAttributes, AsNamedTuple])
def test_every_kind_of_output_trains_alike(train_tiny: TrainTiny, module: type[Bag]) -> None:
    plain = train_tiny(epochs=1)
    other = train_tiny(get_model=lambda model, labels: module(), epochs=1)
    assert other.trained.history == plain.trained.history


class Tied(torch.nn.Module):
    """One tensor under two names, as with input and output embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 4)
        self.second = torch.nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.head = torch.nn.Linear(4, 2)

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        logits = self.head(self.second(self.first(words)))
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def test_a_module_with_tied_weights_and_features_without_sequences_trains(train_tiny: TrainTiny) -> None:
    features = Features({"guid": Value("string"), "words": List(Value("float32"), length=4), "labels": Value("int64")})
    part = rows(24, 1, "x").map(lambda row: {"words": [float(row["labels"])] * 4}, features=features)
    result = train_tiny(
        DatasetDict(train=part, validation=part), lambda model, labels: Tied(), best_metric="accuracy", epochs=6
    )
    assert result.losses("validation_accuracy")[-1] == 1.0


def test_several_examples_of_an_id_all_train(train_tiny: TrainTiny, prepared: Prepared) -> None:
    assert len(train_tiny(prepared(examples_per_id=2), epochs=1).losses()) == 12


def batches_seen(result_of: TrainTiny, **settings: Any) -> list[tuple[int, int]]:
    """Shape of each training batch, and share of padding in it."""
    seen: list[tuple[int, int]] = []

    class Watching(Bag):
        def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
            if self.training:
                seen.append((words.shape[1], int((words == 0).sum())))
            return super().forward(words, labels)

    result_of(get_model=lambda model, labels: Watching(), **settings)
    return seen


def test_batches_of_one_length_need_less_padding(train_tiny: TrainTiny, prepared: Prepared) -> None:
    data = prepared(count=200)
    grouped = batches_seen(train_tiny, data=data, epochs=1)
    shuffled = batches_seen(train_tiny, data=data, epochs=1, group_by_length=False)
    assert len(grouped) == len(shuffled) == 25
    assert sum(padding for _, padding in grouped) < 0.4 * sum(padding for _, padding in shuffled)
    assert grouped[0][0] == 9, "the longest batch comes first, so that memory runs out at once or never"


def test_a_torn_checkpoint_is_told_and_not_used(
    train_tiny: TrainTiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "checkpoints1" / "checkpoint-900"
    torn.mkdir(parents=True)
    (torn / "model.safetensors").write_text("torn")
    assert train_tiny(epochs=1).losses()
    assert "train: the checkpoint of step 900 is not used: checkpoint.json cannot be read" in capsys.readouterr().err


def test_a_feature_called_length_is_a_feature_like_any_other(train_tiny: TrainTiny, prepared: Prepared) -> None:
    class WithLength(Bag):
        def forward(self, words: torch.Tensor, length: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
            assert length.tolist() == (words != 0).sum(1).tolist()
            return super().forward(words, labels)

    data = prepared().map(lambda row: {"length": len(row["words"])})
    assert train_tiny(data, lambda model, labels: WithLength(), epochs=1).losses()


def test_activations_that_are_computed_again_change_no_loss(train_tiny: TrainTiny) -> None:
    class Deep(Bag):
        """Knows the switch that transformers models have."""

        again = False

        def activation_checkpointing_enable(self, **settings: Any) -> None:
            self.again = True

        def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
            if not (self.again and self.training):
                return super().forward(words, labels)
            logits = torch.utils.checkpoint.checkpoint(self.logits, words, use_reentrant=False)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    kept = train_tiny(get_model=lambda model, labels: Deep())
    again = train_tiny(get_model=lambda model, labels: Deep(), activation_checkpointing=True)
    assert again.losses() == pytest.approx(kept.losses(), rel=1e-5)


def test_a_model_that_cannot_compute_activations_again_says_so(train_tiny: TrainTiny) -> None:
    with pytest.raises(
        TrainError, match="train.activation_checkpointing: get_model gives a model without activation_checkp"
    ):
        train_tiny(activation_checkpointing=True)
