"""Measure training and scoring of an encoder with a multiple-choice head."""

import time

from benchmarks.finetune import Meter
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.results import Scoring, Training
from benchmarks.gpu.training import timed, trainer_for
from finetune.base import Base
from finetune.recipe import load_recipe
from recipe_mpr_task.models.checkpoint import open_checkpoint
from recipe_mpr_task.models.encoder import DTYPES, batch_tokens, load_scorer
from recipe_mpr_task.models.loading import LoadSettings

_RECIPE = "bert_large"
_WARM_UP = 2


def train_encoder(bench: Bench, dtype: str, seconds: float) -> Training:
    """Train the encoder by the recipe of BERT-large, and return the measured speed.

    Args:
        bench: items and models.
        dtype: name of the number type to compute in; the weights are float32.
        seconds: time limit of training after the warm-up.
    """
    folder = bench.encoder_folder
    base = Base(folder.name, str(folder), None, {}, is_random=True)
    recipe = load_recipe(_RECIPE, [*bench.settings(base), f"dtype={dtype}"])
    trainer = trainer_for(recipe, bench.items, base)
    return timed(trainer, seconds, _WARM_UP)


def score_encoder(bench: Bench, dtype: str) -> Scoring:
    """Score all items as `--model recipe-mpr-encoder` does, and return the measured speed.

    Args:
        bench: items and models.
        dtype: name of the number type of the weights.
    """
    settings = LoadSettings(bench.device, DTYPES[dtype], max_batch_tokens=batch_tokens(bench.device))
    scorer = load_scorer("multiple_choice", open_checkpoint(str(bench.encoder_folder)), settings)
    questions = [(item.query, [option.text for option in item.options]) for item in bench.items]
    scorer.score(questions[: len(questions) // 10])  # warm up
    meter, n_before = Meter(), scorer.n_tokens
    meter.reset()
    started = time.perf_counter()
    scorer.score(questions)  # the scores arrive on the CPU, so the device has finished
    seconds = time.perf_counter() - started
    n_tokens = scorer.n_tokens - n_before
    return Scoring(len(questions) / seconds, seconds, len(questions), meter.peak(),
                   f"five pairs per item, with {n_tokens / len(questions):.0f} tokens in total")  # fmt: skip
