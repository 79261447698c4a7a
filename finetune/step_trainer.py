"""Extend transformers' Trainer to divide each optimizer step into forward passes that fit a token budget.

Trainer accumulates gradients over a fixed number of equal batches. In `StepTrainer`, one batch holds all items of a
step. `training_step` runs the batch in as many forward passes as the token budget requires. The loss is a mean over the
whole step and over all processes, so the number of passes does not change the loss.
"""

# mypy: allow-subclassing-any

import contextlib
import gc
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic

import torch
from accelerate.utils.memory import should_reduce_batch_size
from safetensors import SafetensorError
from transformers import Trainer

from finetune.objective import E, Objective
from finetune.progress import Progress
from finetune.steps import EpochSteps
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.scoring import fair_accuracy, softmax

SELECTION_METRIC = "eval_cross_entropy"


class TrainingError(RecipeMPRError):
    """Training stopped. The message says why, and what the user can do."""


class StepTrainer(Trainer, Generic[E]):
    """A Trainer in which each batch is one whole optimizer step.

    Args:
        steps: the data loader. It yields the examples of one optimizer step at a time.
        objective: computes losses and option scores. `objective.recipe` limits the size of a forward pass.
        validation: examples that are scored after each epoch, to select the best checkpoint. Empty with `refit`.
        progress: shows the progress bar and adds up the cost.
        **kwargs: Trainer's arguments.
    """

    def __init__(
        self,
        *,
        steps: EpochSteps[E],
        objective: Objective[E],
        validation: Sequence[E],
        progress: Progress,
        **kwargs: Any,
    ) -> None:
        super().__init__(train_dataset=steps.dataset, eval_dataset=list(validation), callbacks=[progress], **kwargs)
        self.progress = progress
        self.steps, self.objective, self.validation = steps, objective, list(validation)
        self.max_tokens, self.max_items = objective.recipe.max_batch_tokens, objective.recipe.max_batch_items
        self.model_accepts_loss_kwargs = False  # `_accumulate` normalises the loss, so Trainer must not

    def get_train_dataloader(self) -> EpochSteps[E]:
        """Return the data loader. Every process gets each whole step, and trains on its own part of the items."""
        return self.steps

    def training_step(self, model: Any, inputs: list[E], num_items_in_batch: Any = None) -> torch.Tensor:
        """Run the forward and backward passes of one optimizer step. If memory runs out, retry with smaller passes.

        Args:
            model: the model. With several processes, it is wrapped for distributed training.
            inputs: the step's examples for all processes together.
            num_items_in_batch: not used.

        Returns:
            A loss in nats, a scalar. The average of all processes' return values is the mean loss of the step.

        Raises:
            TrainingError: the loss is not finite, or memory runs out and the passes cannot be made smaller. With
                several processes, passes are never made smaller.
        """
        model.train()
        while True:
            try:
                loss = self._accumulate(model, inputs)
            except Exception as error:
                if not should_reduce_batch_size(error):
                    raise
                self._halve(error)
            else:
                self.progress.count(inputs)
                return loss
            model.zero_grad()
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _halve(self, error: Exception) -> None:
        if self.accelerator.num_processes > 1:
            raise TrainingError(
                f"step {self.state.global_step + 1}: out of memory on one of several processes; start again with "
                f"another out=, and lower max_batch_tokens (now {self.max_tokens}) or set gradient_checkpointing=true"
            ) from error
        if self.max_tokens < 2 or self.max_items == 1:
            what = "in a step that cannot be split" if self.max_items != 1 else "with one item per pass"
            raise TrainingError(
                f"step {self.state.global_step + 1}: out of memory {what}; start again with another out=, and set "
                "gradient_checkpointing=true, a smaller effective_batch or a smaller model"
            ) from error
        # The largest pass may be far below the budget. Half the budget could then give the same passes again.
        self.max_tokens = min(self.max_tokens, self._largest_pass) // 2
        if self.max_tokens < self._longest_item:
            self.max_items = 1
        self.log({"max_batch_tokens": self.max_tokens})

    def _accumulate(self, model: Any, inputs: list[E]) -> torch.Tensor:
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        # Every process must run a backward pass. A process without items runs one item with weight 0.
        share, weight = (inputs[rank::world], 1.0) if len(inputs) > rank else (inputs[:1], 0.0)
        n_targets = sum(self.objective.n_targets(example) for example in inputs)
        passes = self._passes(share)
        losses = []
        for i, batch in enumerate(passes):
            sync = contextlib.nullcontext() if i == len(passes) - 1 else self.accelerator.no_sync(model)
            with sync, self.compute_loss_context_manager():
                # DDP divides gradients by `world`. Multiply by `world`, so that the loss is a mean over all targets.
                loss = self.objective.loss_sum(model, batch, self.args.device) * (weight * world / n_targets)
                self.accelerator.backward(loss)
            losses.append(loss.detach())
        total = torch.stack(losses)
        if not torch.isfinite(total).all():
            broken = [e.item_id for b, ok in zip(passes, torch.isfinite(total), strict=True) if not ok for e in b]
            raise TrainingError(
                f"the loss is not finite at step {self.state.global_step + 1}; items of the batch: "
                f"{', '.join(broken)}. Lower learning_rate, or use dtype=float32; the last checkpoint is kept"
            )
        return total.sum()

    def _passes(self, share: list[E]) -> list[list[E]]:
        if self.objective.whole_step:
            self._longest_item = self._largest_pass = self.max_tokens = 1
            return [share]
        widths = [self.objective.width(example) for example in share]
        batches = list(batches_by_length(widths, self.max_tokens, self.max_items))
        self._longest_item = max(widths)
        self._largest_pass = max(len(batch) * max(widths[i] for i in batch) for batch in batches)
        if self.accelerator.num_processes > 1:
            # Sharded models gather weights in every pass, so all processes need the same number of passes.
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
                f"{name} could not be written ({error}); the previous checkpoint is kept. Free disk space or move the "
                "folder, then continue with --resume"
            ) from error

    @torch.no_grad()
    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Score the validation items' options, and log and return the metrics. The arguments are not used.

        Returns:
            The metrics `eval_accuracy` and `eval_cross_entropy`. `eval_accuracy` is the mean accuracy, a fraction. If m
            options tie for the best score and the gold option is one of them, the item counts 1/m. `eval_cross_entropy`
            is the mean over items of -ln p, in nats. p is the gold option's softmax probability among the five options.
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
