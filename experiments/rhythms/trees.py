"""LightGBM's boosted trees as a module: fitted at once, kept as a buffer of text, and called like any other model."""

from collections.abc import Mapping
from typing import Any

import lightgbm
import numpy as np
import torch

Batch = Mapping[str, torch.Tensor]


class BoostedTrees(torch.nn.Module):
    """Multi-class gradient boosting (Ke et al. 2017, "LightGBM"); logits are the sums of the trees' answers."""

    def __init__(self, labels: int, *, trees: int, leaves: int, least: int) -> None:
        """Takes the number of labels, and of trees a label, leaves a tree, and examples a leaf at least."""
        super().__init__()
        self._labels, self._trees, self._leaves, self._least = labels, trees, leaves, least
        self._booster: lightgbm.Booster | None = None
        self.register_buffer("booster", torch.zeros(0, dtype=torch.uint8))

    def fit(self, train: Batch, validation: Batch, settings: Mapping[str, Any]) -> list[dict[str, float]]:
        """Fits all trees to `features` (examples, features) and `labels` (examples,).

        Args:
            train: The train split as one batch.
            validation: The validation split, which tells when to stop where early_stopping is given.
            settings: The config's train section, of which learning_rate, early_stopping (trees without a better loss)
                and seed are read.

        Returns:
            The loss on the train split after each tree: step and loss.
        """
        wanted = {
            "objective": "multiclass",
            "num_class": self._labels,
            "learning_rate": settings["learning_rate"],
            "num_leaves": self._leaves,
            "min_data_in_leaf": self._least,
            "seed": settings["seed"],
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        data, losses = _dataset(train), dict[str, Any]()
        patience = settings["early_stopping"]
        booster = lightgbm.train(
            wanted,
            data,
            num_boost_round=self._trees,
            valid_sets=[data, data.create_valid(*_values(validation))],
            valid_names=["train", "validation"],
            callbacks=[
                lightgbm.record_evaluation(losses),
                *([lightgbm.early_stopping(patience, verbose=False)] if patience else []),
            ],
        )
        text = booster.model_to_string().encode()  # of the best iteration, if it stopped early
        self.booster = torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy())
        self._booster = None
        return [{"step": step, "loss": loss} for step, loss in enumerate(losses["train"]["multi_logloss"], 1)]

    def forward(self, features: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor | None]:
        """Takes features (batch, features); gives logits (batch, labels) and the mean cross entropy."""
        if self._booster is None:
            self._booster = lightgbm.Booster(model_str=self.booster.cpu().numpy().tobytes().decode())
        raw = self._booster.predict(features.cpu().double().numpy(), raw_score=True, num_threads=1)
        logits = torch.from_numpy(np.asarray(raw)).float().to(features.device)
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """The text is as long as its trees are: the buffer takes the length of what is loaded."""
        kept = state_dict.get(f"{prefix}booster")
        if kept is not None:
            self.booster, self._booster = torch.zeros_like(kept), None
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _dataset(split: Batch) -> lightgbm.Dataset:
    return lightgbm.Dataset(*_values(split))


def _values(split: Batch) -> tuple[np.ndarray, np.ndarray]:
    return split["features"].double().numpy(), split["labels"].numpy()
