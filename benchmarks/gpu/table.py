"""Format the results as Markdown."""

from collections.abc import Mapping

from tabulate import tabulate

from benchmarks.gpu.results import Missing, Result, Scoring, Setting, Training
from benchmarks.gpu.steps import STEPS

_TRAINING = ["Training", "Real tokens/s", "Items/s", "Padding", "All epochs", "Peak GiB", "MFU", "Note"]
_SCORING = ["Scoring", "Items/s", "Seconds", "Peak GiB", "Note"]
_UNKNOWN = "unknown"

NOTES = """
- Real tokens: tokens without padding. Padding: the share of padding among the processed tokens.
- All epochs: time of training, without loading, validation and checkpoints. "Measured" includes warm-up and
  compilation. "Extrapolated" is the mean time of a timed step, multiplied by the number of steps.
- Peak: memory including the model's weights; on a GPU, of torch's allocator; on a CPU, of the process.
- MFU: FLOPs of the model on the real tokens, divided by the time and by the GPU's peak for the number type. A frozen
  weight needs 4 operations per token, a trained weight 6. Attention as in PaLM (arXiv 2204.02311, appendix B).
- For comparison: LoRA of Llama3-8B on one H100 has about 12,500 tokens/s (NVIDIA NeMo Automodel, texts of 4,096 tokens,
  no padding). The published Qwen3-8B run has 352 real tokens/s. The target is 10,000 real tokens/s.
"""


def table(results: Mapping[str, Result | Missing]) -> str:
    """Return the report in Markdown: the setting, the table of training, the table of scoring and notes.

    Args:
        results: the result of each step, keyed by the step's name.
    """
    rows: dict[str, list[list[str]]] = {"setting": [], "training": [], "scoring": []}
    for step in STEPS:
        if step.name in results:
            rows[step.table].append([step.name, *cells(results[step.name], step.table)])
    parts = [f"- {line}" for line in _setting_lines(results["setting"])]
    for headers, name in ((_TRAINING, "training"), (_SCORING, "scoring")):
        parts += ["", tabulate(rows[name], headers, tablefmt="pipe", disable_numparse=True)]
    return "\n".join([*parts, NOTES.rstrip()])


def _setting_lines(setting: Result | Missing) -> list[str]:
    if not isinstance(setting, Setting):
        return [f"Setting: {setting.reason}" if isinstance(setting, Missing) else "Setting: unknown"]
    return [
        f"Hardware: {setting.hardware}",
        f"Versions: {setting.versions}",
        f"Models: {setting.models}",
        f"Items: {setting.items}",
        f"Tokens: {setting.tokens}",
    ]


def cells(result: Result | Missing, of_table: str) -> list[str]:
    """Return the cells of a result's row, without the name. `of_table` is "training" or "scoring"."""
    if isinstance(result, Training):
        padding = 1 - result.tokens_per_second / result.padded_per_second
        how = "measured" if result.is_whole else "extrapolated"
        timed = f"{result.timed_steps} of {result.steps} steps timed"
        return [
            f"{result.tokens_per_second:,.0f}",
            f"{result.items_per_second:.2f}",
            f"{100 * padding:.0f}%",
            f"{result.seconds:,.1f} s ({result.epochs} epochs, {how})",
            _gib(result.peak_bytes),
            _UNKNOWN if result.utilisation is None else f"{100 * result.utilisation:.1f}%",
            "; ".join(filter(None, [timed, result.note])),
        ]
    if isinstance(result, Scoring):
        seconds = f"{result.seconds:.2f} for {result.n_items} items"
        return [f"{result.items_per_second:.1f}", seconds, _gib(result.peak_bytes), result.note]
    reason = result.reason if isinstance(result, Missing) else ""
    n_empty = len(_TRAINING if of_table == "training" else _SCORING) - 2
    return ["-"] * n_empty + [reason.replace("|", "\\|")]


def _gib(n_bytes: int | None) -> str:
    return _UNKNOWN if n_bytes is None else f"{n_bytes / 2**30:.1f}"
