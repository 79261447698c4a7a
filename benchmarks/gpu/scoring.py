"""Measure the scoring of answer letters: the trainer's own scoring, and lm-eval's loop."""

import math
import time
from typing import Any

from accelerate.utils.memory import should_reduce_batch_size

from benchmarks.finetune import Meter
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.results import Scoring
from finetune.data import TrainingData
from finetune.progress import Spent
from finetune.recipe import load_recipe
from finetune.setup import arguments_for, build_trainer
from finetune.step_trainer import SELECTION_METRIC
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import display
from recipe_mpr_task.scoring import softmax

_RECIPE = "qwen3_8b_lora"


def score_letters(bench: Bench, *, packed: bool = False) -> Scoring:
    """Score all items as the trainer scores validation items, and return the measured speed.

    The model reads each prompt once. The output head computes logits only at the last position of each prompt.

    Args:
        bench: items and models.
        packed: whether to put the prompts of a pass into one row, without padding.
    """
    base = bench.causal_base("sdpa")
    recipe = load_recipe(_RECIPE, [*bench.settings(base), "lora=null", f"packing={str(packed).lower()}"])
    data = TrainingData(bench.items[:1], bench.items, (), "")
    trainer = build_trainer(recipe, data, base, arguments_for(recipe, 1), Spent())
    meter, scored = Meter(), trainer.validation
    trainer.validation = scored[: len(scored) // 10]
    trainer.evaluate()  # warm up
    meter.reset()
    started = time.perf_counter()
    trainer.validation = trainer.objective.encode([display(item, "shuffled") for item in bench.items])
    cross_entropy = trainer.evaluate()[SELECTION_METRIC]  # the scores arrive on the CPU, so the device has finished
    seconds = time.perf_counter() - started
    return Scoring(len(scored) / seconds, seconds, len(scored), meter.peak(),
                   f"passes of at most {recipe.max_batch_tokens} tokens; {_checked(cross_entropy)}")  # fmt: skip


def score_with_lm_eval(bench: Bench, seconds: float) -> Scoring:
    """Score the same letters by lm-eval's loop, and return the speed at the fastest batch size.

    Args:
        bench: items and models.
        seconds: after this time, no further batch size is tried.
    """
    from lm_eval.models.huggingface import HFLM

    model = bench.causal_base("sdpa").model
    lm = HFLM(pretrained=model, tokenizer=bench.tokenizer, batch_size=bench.shape.batch_sizes[0])
    lm.loglikelihood(_requests(bench.prompts[: len(bench.prompts) // 10]), disable_tqdm=True)  # warm up
    tried: dict[int, Scoring] = {}
    begin, note = time.perf_counter(), ""
    for size in bench.shape.batch_sizes:
        if tried and time.perf_counter() - begin > seconds:
            note = f"; {size} and larger sizes not tried: no time left"
            break
        try:
            tried[size] = _loop(bench, lm, size)
        except RuntimeError as error:
            if not (tried and should_reduce_batch_size(error)):
                raise
            note = f"; out of memory at {size}"
            break
    best = max(tried, key=lambda size: tried[size].items_per_second)
    rates = ", ".join(f"{size}: {scoring.items_per_second:.0f}" for size, scoring in tried.items())
    result = tried[best]
    return Scoring(result.items_per_second, result.seconds, result.n_items, result.peak_bytes,
                   f"batch size {best}; items/s by batch size {rates}{note}; {result.note}")  # fmt: skip


def _loop(bench: Bench, lm: Any, size: int) -> Scoring:
    lm.batch_size_per_gpu = size
    meter = Meter()
    meter.reset()
    started = time.perf_counter()
    answers = lm.loglikelihood(_requests(bench.prompts), disable_tqdm=True)
    seconds = time.perf_counter() - started
    scores = [score for score, _ in answers]
    rows = [scores[i : i + len(LETTERS)] for i in range(0, len(scores), len(LETTERS))]
    golds = [display(item, "shuffled").gold for item in bench.items]
    losses = [-math.log(max(softmax(row)[gold], 1e-300)) for row, gold in zip(rows, golds, strict=True)]
    n = len(golds)
    return Scoring(n / seconds, seconds, n, meter.peak(), _checked(math.fsum(losses) / n))


def _requests(prompts: list[str]) -> list[Any]:
    from lm_eval.api.instance import Instance

    return [
        Instance("loglikelihood", {}, (prompt, f" {letter}"), k)
        for prompt in prompts
        for k, letter in enumerate(LETTERS)
    ]


def _checked(cross_entropy: float) -> str:
    # Show the cross-entropy for both methods, so that readers see that both score the same letters.
    return f"cross-entropy {cross_entropy:.3f}"
