"""transformers.Trainer with the few habits of ours: any module, class weights, an order of examples of our own."""

import math
from typing import Any

import torch
from transformers import Trainer
from transformers.trainer_callback import PrinterCallback

from finetune.prepare.columns import LABELS
from finetune.training.callbacks import RefuseNaN
from finetune.training.order import EpochOrder, ShortestFirst
from finetune.training.outputs import loss_and_logits


class ModuleTrainer(Trainer):
    """Trains any module whose forward returns loss and logits."""

    def __init__(self, *, class_weights: torch.Tensor | None, group_by_length: bool, **settings: Any) -> None:
        """Takes a weight per class, or None for the model's own loss; the rest is Trainer's."""
        super().__init__(**settings)
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False  # so that Trainer divides by gradient_accumulation for every model
        self._class_weights = class_weights
        self._first_odd = torch.tensor(math.inf)  # the step at which this process's loss was first not finite
        self.add_callback(RefuseNaN(lambda: float(self._first_odd)))
        together = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        self._order = EpochOrder(self.train_dataset, seed=self.args.seed, batch=together if group_by_length else None)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The model's loss, or cross entropy with class weights."""
        loss, logits = loss_and_logits(model(**inputs))
        if self._class_weights is not None:
            weights = self._class_weights.to(logits.device)
            loss = torch.nn.functional.cross_entropy(logits.float(), inputs[LABELS], weight=weights)
        if model.training:
            step = torch.where(loss.detach().isfinite(), math.inf, self.state.global_step + 1.0)
            self._first_odd = torch.minimum(self._first_odd.to(step.device), step)  # no look at it: a GPU would wait
        return (loss, {"loss": loss, "logits": logits}) if return_outputs else loss

    # Trainer's own grouping looks each length up in a table row (about 0.2 ms), and asks every model for input_ids.

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self._order

    def _run_epoch(self, **what: Any) -> Any:
        # Trainer's set_epoch does not reach a sampler beneath the batches that a resumed epoch skips.
        self._order.epoch = what["epoch"]
        return super()._run_epoch(**what)

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        return ShortestFirst(eval_dataset)
