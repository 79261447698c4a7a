"""transformers' Trainer over whole optimizer steps: each is split by token budget, not by a constant.

Trainer accumulates a fixed number of equal batches; here one "batch" of its is all items of a step,
and `training_step` runs it in as many forward passes as the token budget asks for. The loss is
normalised over the whole step (and over all processes), so it does not depend on the split.
"""

import contextlib
import gc
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.memory import should_reduce_batch_size
from safetensors import SafetensorError
from torch.utils.data import DataLoader
from transformers import Trainer

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.metrics import fair_accuracy, softmax
from recipe_mpr_task.models.batching import batches_by_length

SELECTION_METRIC = "eval_cross_entropy"


class TrainingError(RecipeMPRError):
    """Training stopped: the message says at which step, on which items, and what to do."""


class StepTrainer(Trainer):
    """Trains on `EpochSteps`.

    Args:
        steps: what stands for the data loader.
        objective: encodes, and computes losses and scores; see `causal.LetterTraining`.
        validation: examples to select the checkpoint by, the same in every epoch; may be empty.
        max_tokens: most padded tokens in one forward pass.
        max_items: most items in one, or None.
        **kwargs: Trainer's.
    """

    def __init__(
        self,
        *,
        steps: Any,
        objective: Any,
        validation: Sequence[Any],
        max_tokens: int,
        max_items: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(train_dataset=steps.dataset, eval_dataset=list(validation), **kwargs)
        self.steps, self.objective, self.validation = steps, objective, list(validation)
        self.max_tokens, self.max_items = max_tokens, max_items
        self.model_accepts_loss_kwargs = False  # the loss is normalised here

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the step dealer itself: every process deals the whole step and takes its share."""
        return self.steps

    def training_step(self, model: Any, inputs: list[Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Run one optimizer step's items forward and backward.

        Args:
            model: wrapped for the device or processes.
            inputs: the step's examples, of all processes.
            num_items_in_batch: not used.

        Returns:
            The mean loss over the step, in nats, a scalar.

        Raises:
            TrainingError: the loss is not finite, or memory runs out at one item a pass.
        """
        model.train()
        while True:
            try:
                return self._accumulate(model, inputs)
            except Exception as error:
                if not should_reduce_batch_size(error):
                    raise
                self._halve(error)
            model.zero_grad()
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _halve(self, error: Exception) -> None:
        if self.accelerator.num_processes > 1:
            raise TrainingError(
                f"step {self.state.global_step + 1}: out of memory on one of several processes; lower "
                f"max_batch_tokens (now {self.max_tokens}) or set gradient_checkpointing=true, and --resume"
            ) from error
        if self.max_tokens < 2 or self.max_items == 1:
            what = "a step that cannot be split" if self.max_items != 1 else "one item in a pass"
            raise TrainingError(
                f"step {self.state.global_step + 1}: out of memory with {what}; set gradient_checkpointing=true, a "
                "smaller effective_batch or a smaller model, and --resume"
            ) from error
        # Whatever the budget was, what did not fit is what this step used.
        self.max_tokens = min(self.max_tokens, self._largest_pass) // 2
        if self.max_tokens < self._longest_item:
            self.max_items = 1
        self.log({"max_batch_tokens": self.max_tokens})

    def _accumulate(self, model: Any, inputs: list[Any]) -> torch.Tensor:
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        # A process without a share still takes part in the collective backward pass, with weight 0.
        share, weight = (inputs[rank::world], 1.0) if len(inputs) > rank else (inputs[:1], 0.0)
        n_targets = sum(self.objective.n_targets(example) for example in inputs)
        passes = self._passes(share)
        losses = []
        for i, batch in enumerate(passes):
            sync = contextlib.nullcontext() if i == len(passes) - 1 else self.accelerator.no_sync(model)
            with sync, self.compute_loss_context_manager():
                # Gradients are averaged over processes, the loss is a mean over all of them.
                loss = self.objective.loss_sum(model, batch, self.args.device) * (weight * world / n_targets)
                self.accelerator.backward(loss)
            losses.append(loss.detach())
        total = torch.stack(losses)
        if not torch.isfinite(total).all():
            broken = [e.item_id for b, ok in zip(passes, torch.isfinite(total), strict=True) if not ok for e in b]
            raise TrainingError(
                f"the loss is not finite at step {self.state.global_step + 1}; items of the batch: "
                f"{', '.join(broken)}. Lower learning_rate, or use dtype=float32; the best checkpoint so far is kept"
            )
        return total.sum()

    def _passes(self, share: list[Any]) -> list[list[Any]]:
        if getattr(self.objective, "whole_step", False):
            self._longest_item = self._largest_pass = self.max_tokens = 1
            return [share]
        widths = [self.objective.width(example) for example in share]
        batches = list(batches_by_length(widths, self.max_tokens, self.max_items))
        self._longest_item = max(widths)
        self._largest_pass = max(len(batch) * max(widths[i] for i in batch) for batch in batches)
        if self.accelerator.num_processes > 1:
            # Sharded models gather weights in every pass: all processes need the same number of them.
            count = torch.tensor([len(batches)], device=self.args.device)
            most = int(self.accelerator.gather(count).max())
            if most > len(batches):
                order = [i for batch in batches for i in batch]
                most = min(most, len(order))
                batches = [order[k * len(order) // most : (k + 1) * len(order) // most] for k in range(most)]
        return [[share[i] for i in batch] for batch in batches]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        name = f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, SafetensorError, RuntimeError) as error:
            shutil.rmtree(Path(self.args.output_dir) / name, ignore_errors=True)
            raise TrainingError(
                f"{name} could not be written ({error}); the one before is kept: free some space, or move the "
                "folder, and --resume"
            ) from error

    @torch.no_grad()
    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Score the validation items by their five options, as evaluation does.

        Returns:
            `eval_accuracy`, a fraction with ties shared, and `eval_cross_entropy`, the mean over items of
            -ln(softmax over the five options)[gold], in nats.
        """
        self.model_wrapped.eval()
        scores, golds = [], []
        widths = [self.objective.width(example) for example in self.validation]
        for batch in batches_by_length(widths, self.max_tokens, self.max_items):
            examples = [self.validation[i] for i in batch]
            with self.compute_loss_context_manager():
                scores += self.objective.option_scores(self.model_wrapped, examples, self.args.device).tolist()
            golds += [example.gold for example in examples]
        pairs = list(zip(scores, golds, strict=True))
        metrics = {
            "eval_accuracy": math.fsum(fair_accuracy(row, gold) for row, gold in pairs) / len(pairs),
            SELECTION_METRIC: math.fsum(-math.log(max(softmax(row)[gold], 1e-300)) for row, gold in pairs) / len(pairs),
        }
        self.log(metrics)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
