"""List the steps of the benchmark, in the order in which they run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.gpu.results import Result

if TYPE_CHECKING:
    from benchmarks.gpu.bench import Bench

_FLASH = "flash_attention_2"
_START = 60
"""Seconds that a step may need to import the libraries, and to build a model, in a new process."""

_COMPILING = 60


@dataclass(frozen=True)
class Step:
    """One measurement.

    Attributes:
        name: what is measured, as in the table.
        table: "training", "scoring" or "setting".
        run: function that measures, in the worker process.
        limit: seconds after which the step is stopped.
    """

    name: str
    table: str
    run: Callable[["Bench"], Result]
    limit: float


def _causal(bench: "Bench", *, whole: bool = False, **variant: object) -> Result:
    from benchmarks.gpu.training import Variant, train_causal

    seconds = bench.shape.whole_seconds if whole else bench.shape.seconds
    return train_causal(bench, Variant(**variant), seconds)  # type: ignore[arg-type]


def _encoder(bench: "Bench", dtype: str) -> Result:
    from benchmarks.gpu.encoders import train_encoder

    return train_encoder(bench, dtype, bench.shape.seconds)


def _letters(bench: "Bench", *overrides: str) -> Result:
    from benchmarks.gpu.scoring import score_letters

    return score_letters(bench, *overrides)


def _lm_eval(bench: "Bench") -> Result:
    from benchmarks.gpu.scoring import score_with_lm_eval

    return score_with_lm_eval(bench, 2 * bench.shape.seconds)


def _score_encoder(bench: "Bench", dtype: str) -> Result:
    from benchmarks.gpu.encoders import score_encoder

    return score_encoder(bench, dtype)


def _setting(bench: "Bench") -> Result:
    return bench.setting()


def _training(name: str, limit: float = 45, **variant: object) -> Step:
    return Step(name, "training", partial(_causal, **variant), _START + limit)


_OURS, _PUBLISHED = "qwen3_8b_lora", "qwen3_8b_lora_published"
_PACKED = ("packing=true",)
STEPS = (
    Step("setting", "setting", _setting, _START),
    _training(_OURS, 90, recipe=_OURS, whole=True),
    _training(_PUBLISHED, recipe=_PUBLISHED),
    _training(f"{_OURS}, packed", recipe=_OURS, overrides=_PACKED),
    _training(f"{_OURS}, {_FLASH}", recipe=_OURS, attention=_FLASH),
    _training(f"{_OURS}, packed, {_FLASH}", recipe=_OURS, overrides=_PACKED, attention=_FLASH),
    Step(f"letters, the trainer's scoring ({_OURS})", "scoring", _letters, _START + 30),
    Step("letters, the trainer's scoring, packed", "scoring", partial(_letters), _START + 30),
    Step("letters, lm-eval's loop (`recipe-mpr run`)", "scoring", _lm_eval, _START + 60),
    *(Step(f"bert_large, {dtype}", "training", partial(_encoder, dtype=dtype), _START + 45)
      for dtype in ("float32", "bfloat16")),
    *(Step(f"encoder, multiple choice, {dtype}", "scoring", partial(_score_encoder, dtype=dtype), _START + 30)
      for dtype in ("float32", "bfloat16")),
    # The compiled ones come last, because compiling may take long.
    _training(f"{_OURS}, compiled", 45 + _COMPILING, recipe=_OURS, compiled=True),
    _training(f"{_OURS}, packed, compiled", 45 + _COMPILING, recipe=_OURS, overrides=_PACKED, compiled=True),
    _training(f"{_OURS}, packed, {_FLASH}, compiled", 45 + _COMPILING, recipe=_OURS, overrides=_PACKED,
              attention=_FLASH, compiled=True),
    _training(f"{_PUBLISHED}, compiled", 45 + _COMPILING, recipe=_PUBLISHED, compiled=True),
)  # fmt: skip
