"""List the steps of the benchmark, in the order in which they run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.gpu.results import Result
from benchmarks.gpu.shapes import SHAPES

if TYPE_CHECKING:
    from benchmarks.gpu.bench import Bench

_START = 60
"""Seconds that a step may need to import the libraries, and to build a model, in a new process."""

_COMPILING = 60

OURS, PUBLISHED = "qwen3_8b_lora", "qwen3_8b_lora_published"
_FLASH = "flash_attention_2"


@dataclass(frozen=True)
class Variant:
    """A way to train the causal model.

    Attributes:
        recipe: name of the recipe.
        attention: name of the attention implementation.
        packed: whether to put the texts of a pass into one row, without padding.
        compiled: whether to compile the layers with torch.compile.
    """

    recipe: str
    attention: str = "sdpa"
    packed: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class Step:
    """One measurement.

    Attributes:
        name: name of the measurement in the table.
        table: "training", "scoring" or "setting".
        run: function that the worker process calls to measure.
        limit: seconds after which the step is stopped.
    """

    name: str
    table: str
    run: Callable[["Bench"], Result]
    limit: float


def make_bench(shape: str, device: str, folder: Path, tokenizer: str | None) -> "Bench":
    """Return the `Bench` for the steps. `shape` is a key of SHAPES; the other arguments are those of `Bench`."""
    from benchmarks.gpu.bench import Bench  # imports torch, which only the worker process needs

    return Bench(SHAPES[shape], device, folder, tokenizer)


def _causal(bench: "Bench", variant: Variant) -> Result:
    from benchmarks.gpu.training import train_causal

    bench.clean()
    is_recipe_itself = variant == Variant(OURS)
    return train_causal(bench, variant, bench.shape.whole_seconds if is_recipe_itself else bench.shape.seconds)


def _encoder(bench: "Bench", dtype: str) -> Result:
    from benchmarks.gpu.encoders import train_encoder

    bench.keep(None)  # free the causal model, so that its memory is not counted
    bench.clean()
    return train_encoder(bench, dtype, bench.shape.seconds)


def _letters(bench: "Bench", *, packed: bool) -> Result:
    from benchmarks.gpu.scoring import score_letters

    bench.clean()
    return score_letters(bench, packed=packed)


def _lm_eval(bench: "Bench") -> Result:
    from benchmarks.gpu.scoring import score_with_lm_eval

    bench.clean()
    return score_with_lm_eval(bench, 2 * bench.shape.seconds)


def _score_encoder(bench: "Bench", dtype: str) -> Result:
    from benchmarks.gpu.encoders import score_encoder

    bench.keep(None)  # free the causal model, so that its memory is not counted
    bench.clean()
    return score_encoder(bench, dtype)


def _setting(bench: "Bench") -> Result:
    return bench.setting()


def _training(variant: Variant, limit: float = 45) -> Step:
    name = ", ".join([
        variant.recipe,
        *(["packed"] if variant.packed else []),
        *([variant.attention] if variant.attention != Variant.attention else []),
        *(["compiled"] if variant.compiled else []),
    ])  # fmt: skip
    return Step(name, "training", partial(_causal, variant=variant), _START + limit)


_DTYPES = ("float32", "bfloat16")
STEPS = (
    Step("setting", "setting", _setting, 2 * _START),
    _training(Variant(OURS), 90),
    _training(Variant(PUBLISHED)),
    _training(Variant(OURS, packed=True)),
    _training(Variant(OURS, _FLASH)),
    _training(Variant(OURS, _FLASH, packed=True)),
    Step("letters, the trainer's scoring", "scoring", partial(_letters, packed=False), _START + 30),
    Step("letters, the trainer's scoring, packed", "scoring", partial(_letters, packed=True), _START + 30),
    Step("letters, lm-eval's loop (`recipe-mpr run`)", "scoring", _lm_eval, _START + 60),
    *(Step(f"bert_large, {dtype}", "training", partial(_encoder, dtype=dtype), _START + 45) for dtype in _DTYPES),
    *(Step(f"encoder, multiple choice, {dtype}", "scoring", partial(_score_encoder, dtype=dtype), _START + 30)
      for dtype in _DTYPES),
    # The compiled variants come last, because compiling can take long.
    _training(Variant(OURS, compiled=True), 45 + _COMPILING),
    _training(Variant(OURS, packed=True, compiled=True), 45 + _COMPILING),
    _training(Variant(OURS, _FLASH, packed=True, compiled=True), 45 + _COMPILING),
)  # fmt: skip
