"""Measure training with the project's own trainer."""

# mypy: allow-subclassing-any

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from transformers import TrainerCallback

from benchmarks.finetune import Meter
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.flops import peak_flops, training_flops
from benchmarks.gpu.results import Training
from benchmarks.gpu.steps import Variant
from finetune.base import Base
from finetune.data import TrainingData
from finetune.progress import Spent
from finetune.recipe import Recipe, load_recipe
from finetune.setup import arguments_for, build_trainer
from finetune.steps import n_steps
from recipe_mpr_task.item import Item
from recipe_mpr_task.models.heads import HEADS

_WARM_UP = 2
_WARM_UP_COMPILED = 3
_FEWEST_TIMED = 3


def train_causal(bench: Bench, variant: Variant, seconds: float) -> Training:
    """Train the causal model with an adapter, and return the measured speed.

    Args:
        bench: items and models.
        variant: how to train.
        seconds: time limit of training after the warm-up.
    """
    base = bench.causal_base(variant.attention)
    changes = [f"attention={variant.attention}", f"packing={str(variant.packed).lower()}"]
    recipe = load_recipe(variant.recipe, [*bench.settings(base), *changes])
    trainer = trainer_for(recipe, bench.items, base)
    if variant.compiled:
        compile_layers(base.model, bench.shape.compiler)
        training = timed(trainer, seconds, _WARM_UP_COMPILED)
        bench.keep(None)  # a compiled layer stays compiled, so the next step needs a new model
        n_graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        return replace(training, note="; ".join(filter(None, [training.note, f"{n_graphs} graphs"])))
    training = timed(trainer, seconds, _WARM_UP)
    bench.keep(trainer.model.unload())
    return training


def compile_layers(model: Any, backend: str) -> None:
    """Compile each layer in place. Equal layers share the compiled code, and tensor shapes may vary."""
    torch._dynamo.reset()  # forget other models' layers, because torch stops compiling after a few graphs
    torch._dynamo.utils.counters.clear()
    for module in model.modules():
        if type(module).__name__ in model._no_split_modules:
            module.compile(backend=backend, dynamic=True)


def trainer_for(recipe: Recipe, items: tuple[Item, ...], base: Base) -> Any:
    """Return the trainer that `recipe-mpr finetune` would build, without validation and checkpoints.

    Args:
        recipe: the recipe.
        items: all items. The trained share is 72% for split=folds, else 80%.
        base: the base model.
    """
    share = 0.72 if recipe.split == "folds" else 0.8
    n_trained = round(share * len(items))
    data = TrainingData(items[:n_trained], items[n_trained : n_trained + 1], (), "")
    trainer = build_trainer(recipe, data, base, arguments_for(recipe, n_steps(recipe, data.train)), Spent())
    trainer.args.save_strategy, trainer.args.eval_strategy = "no", "no"
    trainer.args.load_best_model_at_end = False
    return trainer


class Clock(TrainerCallback):
    """Record each step's end time and number of processed tokens. Stop training when the time is over.

    Args:
        seconds: time to train after the warm-up.
        warm_up: number of steps that are not timed.
        embeddings: the model's input embeddings. They process every token, including padding.
    """

    def __init__(self, seconds: float, warm_up: int, embeddings: torch.nn.Module) -> None:
        self.seconds, self.warm_up = seconds, warm_up
        self.begin, self.processed = 0.0, 0
        self.ends: list[float] = []
        self.tokens: list[int] = []
        self.hook = embeddings.register_forward_hook(self._count)

    def _count(self, _module: Any, inputs: Any, _output: Any) -> None:
        self.processed += inputs[0].numel()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.begin = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Wait for the device, record the time, and stop if the time is over."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        self.tokens.append(self.processed)
        enough = len(self.ends) >= self.warm_up + _FEWEST_TIMED
        if enough and self.ends[-1] - self.ends[self.warm_up - 1] >= self.seconds:
            control.should_training_stop = True


def timed(trainer: Any, seconds: float, warm_up: int) -> Training:
    """Train until all epochs or `seconds` are over, and return the measured speed.

    Args:
        trainer: the trainer, from `trainer_for`.
        seconds: time limit of training after the warm-up.
        warm_up: number of steps that are not timed.
    """
    recipe: Recipe = trainer.objective.recipe
    clock, meter = Clock(seconds, warm_up, trainer.model.get_input_embeddings()), Meter()
    trainer.add_callback(clock)
    meter.reset()
    trainer.train()
    trainer.progress.close()
    clock.hook.remove()
    n_done, n_all = len(clock.ends), len(trainer.steps) * recipe.epochs
    steps = list(itertools.islice(_steps(trainer, recipe.epochs), warm_up, n_done))
    took = clock.ends[-1] - clock.ends[warm_up - 1]
    examples = [example for step in steps for example in step]
    lengths = [n for example in examples for n in lengths_read(example, recipe)]
    targets = sum(trainer.objective.n_targets(example) for example in examples)
    peak = peak_flops(_device_name(), recipe.dtype)
    is_whole = n_done == n_all
    return Training(
        tokens_per_second=sum(lengths) / took,
        padded_per_second=(clock.tokens[-1] - clock.tokens[warm_up - 1]) / took,
        items_per_second=len(examples) / took,
        seconds=clock.ends[-1] - clock.begin if is_whole else took / len(steps) * n_all,
        epochs=recipe.epochs,
        is_whole=is_whole,
        timed_steps=len(steps),
        steps=n_all,
        peak_bytes=meter.peak(),
        utilisation=training_flops(trainer.model, lengths, targets) / took / peak if peak else None,
        note=_smaller(trainer, recipe),
    )


def lengths_read(example: Any, recipe: Recipe) -> list[int]:
    """Return the number of tokens of each text that the model reads for an example.

    A causal model does not read the answer if only the answer is predicted.
    """
    if HEADS[recipe.head].is_causal:
        return [len(example.input_ids) + (recipe.loss == "text")]
    return [len(text["input_ids"]) for text in example.texts]


def _steps(trainer: Any, epochs: int) -> Iterator[list[Any]]:
    for epoch in range(epochs):
        trainer.steps.set_epoch(epoch)
        yield from trainer.steps


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _smaller(trainer: Any, recipe: Recipe) -> str:
    if (trainer.max_tokens, trainer.max_items) == (recipe.max_batch_tokens, recipe.max_batch_items):
        return ""
    return f"memory ran out: passes of at most {trainer.max_tokens} tokens instead of {recipe.max_batch_tokens}"
