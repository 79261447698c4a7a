"""Measure the cost of evaluating Recipe-MPR tasks: time, speed, peak memory and hardware.

The plugin calls this module before and after lm-eval's `evaluate`. A failed measurement is logged and does not stop
the run.
"""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from recipe_mpr_task.cost import EvaluationCost, hardware, peak_memory_bytes
from recipe_mpr_task.manifest import COST_KEY

logger = logging.getLogger(__name__)

_PREFIX = "recipe_mpr"
_COMPUTES_IN_THIS_PROCESS = ("lm_eval.models.huggingface", "recipe_mpr_task.models.")
_MOST_COUNTED = 500
"""Maximum number of prompts to tokenize, so that counting takes less than a second.

If there are more prompts, only every k-th prompt is tokenized, and the sum is scaled up.
"""


class CostMeter:
    """Measure one `evaluate` call. Create the meter right before `evaluate` starts.

    Call `record` right after `evaluate` returns.
    """

    def __init__(self, lm: Any, tasks: Mapping[str, Any]) -> None:
        self._lm, self._tasks = lm, dict(tasks)
        self._tokens_before = getattr(lm, "n_tokens", 0)
        _reset_peak_memory()
        self._started = time.perf_counter()

    def record(self, results: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cost as an entry of the results file.

        Args:
            results: the return value of `evaluate`.

        Returns:
            {COST_KEY: the fields of `cost.EvaluationCost`}. The result is {} in each of these cases:
            - There is no task, or a task belongs to another benchmark.
            - Answers may come from a request cache.
            - Measuring fails.
        """
        seconds = time.perf_counter() - self._started
        is_ours = bool(self._tasks) and all(name.startswith(_PREFIX) for name in self._tasks)
        if not is_ours or hasattr(self._lm, "cache_db"):
            return {}
        try:
            return {COST_KEY: self._cost(seconds, results).model_dump(mode="json")}
        except Exception as error:  # noqa: BLE001 (a failed measurement must not stop the run)
            logger.debug("the cost of the evaluation could not be recorded: %r", error)
            return {}

    def _cost(self, seconds: float, results: Mapping[str, Any]) -> EvaluationCost:
        items = sum(results["n-samples"][name]["effective"] for name in self._tasks)
        tokens = self._tokens()
        here = type(self._lm).__module__.startswith(_COMPUTES_IN_THIS_PROCESS)
        return EvaluationCost(
            tasks=len(self._tasks),
            seconds=seconds,
            items=items,
            seconds_per_item=seconds / items,
            tokens_per_second=tokens / seconds if tokens else None,
            peak_memory_bytes=peak_memory_bytes() if here else None,
            hardware=None if hasattr(self._lm, "base_url") else _hardware_of(self._lm),
        )

    def _tokens(self) -> float | None:
        """Return the number of tokens that the model read and wrote.

        If the model does not count its tokens, count them with `tok_encode`. Return None if the model has no
        `tok_encode`, or if several processes run the model.
        """
        if hasattr(self._lm, "n_tokens"):
            return float(self._lm.n_tokens - self._tokens_before)
        if not hasattr(self._lm, "tok_encode") or getattr(self._lm, "world_size", 1) > 1:
            return None
        return counted_tokens(self._lm.tok_encode, self._tasks)


def counted_tokens(tok_encode: Any, tasks: Mapping[str, Any]) -> float:
    """Return the number of tokens in the tasks' prompts and answers.

    Equal prompts count once. Equal answers to one prompt count once. With more than _MOST_COUNTED prompts, the number
    is an estimate.

    Args:
        tok_encode: function that returns the list of a text's tokens.
        tasks: the evaluated tasks, keyed by name. Their `instances` hold the prompts and answers.
    """
    answers: dict[str, set[str]] = {}
    for task in tasks.values():
        for instance in task.instances:
            prompt, answer = instance.args[0], instance.args[1]
            texts = [answer] if isinstance(answer, str) else map(str, instance.resps)
            answers.setdefault(prompt, set()).update(texts)
    step = -(-len(answers) // _MOST_COUNTED)
    counted = list(answers)[::step] if answers else []
    lengths: dict[str, int] = {}
    for prompt in counted:
        for text in (prompt, *answers[prompt]):
            if text not in lengths:
                lengths[text] = len(tok_encode(text))
    total = sum(lengths[prompt] + sum(lengths[text] for text in answers[prompt]) for prompt in counted)
    return total * len(answers) / len(counted) if counted else 0.0


def _hardware_of(lm: Any) -> Any:
    if getattr(lm, "never_trained", False):
        return hardware("cpu")
    device = getattr(lm, "device", None)
    return hardware(str(device) if device else None, _n_devices(lm))


def _n_devices(lm: Any) -> int | None:
    """Return the number of GPUs that a model uses in all processes together; None if unknown.

    A process of lm-eval's `hf` uses one GPU. With `parallelize=True`, the process uses every GPU that holds a layer of
    the model. For `vllm`, the number comes from `tensor_parallel_size`, if given. For other backends with one process,
    the number is unknown.
    """
    if getattr(lm, "world_size", 1) > 1:
        return int(lm.world_size)
    if type(lm).__module__.startswith(_COMPUTES_IN_THIS_PROCESS):
        placed = getattr(getattr(lm, "model", None), "hf_device_map", None) or {}
        return max(1, len({str(device) for device in placed.values()} - {"cpu", "disk", "meta"}))
    given = getattr(lm, "model_args", None)  # set by lm-eval's vllm
    if isinstance(given, dict) and "tensor_parallel_size" in given:
        return int(given["tensor_parallel_size"]) * int(getattr(lm, "data_parallel_size", 1))
    return None


def _reset_peak_memory() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        for device in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(device)
