"""Detect manipulated runs: answer keys in prompts, other models' answers or weights, training on scored items."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from leaderboard.load.record import SUFFIX, read_record
from leaderboard.load.run import Run
from leaderboard.verify.items import ItemResult
from leaderboard.verify.verified import Case
from recipe_mpr_task import prompts
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.loaded_model import ADAPTER_ARGUMENTS
from recipe_mpr_task.model_arguments import is_traced, unaccounted
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.splits import TRAINING_SPLITS, parts_of

RESULTS = Path(__file__).parent.parent / "results"
"""The folder of committed records. Its subfolder `untrained/` has records of the systems in `recipe-mpr demo`."""

CACHE_DOUBT = (
    "run with --use_cache: lm-eval's cache does not record which model answered, so the answers may be from another "
    "model; use a separate cache for each model, or no cache if the run should be clean"
)

_ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\bA(?= [a-z])")
_LETTERS = re.compile(r"(?<![^\W_])(?:[A-E]+|(?<!['\u2019])[b-e]|[A-Ea-e]{8,}|\d{1,3}[A-Ea-e]|[A-E]\d{1,3})(?![^\W_])")
_NUMBERS = re.compile(r"(?<![^\W_])(?<!\d[.,:])(?:[1-5]|[1-5]{8,})(?![^\W_])(?![.,:]\d)")
_LIST = re.compile("ABC(?:DE?)?|123(?:45?)?")

_TOLERANCE = 1e-5
_ROUNDED = 1e-6
"""Relative tolerance of a score, because records keep only seven digits."""

_WITHOUT_EFFECT = ("kind", "batch_size", "max_batch_size", "device")
"""Model arguments that `baseline_faults` ignores: `kind` names the baseline; the other arguments change no score."""


def answers_named(text: str) -> int:
    """Return how many answers a text seems to name.

    Count the isolated letters A to E and the numbers 1 to 5 separately, and return the larger count. Do not count the
    article "A" and up to two lists such as "A, B, C, D or E". Honest texts can contain this article and these lists.
    """
    text = _ARTICLE.sub("", _ABBREVIATIONS.sub("", unicodedata.normalize("NFKC", text)))
    letters = [sign for sign in "".join(_LETTERS.findall(text)).upper() if sign in LETTERS]
    signs = ("".join(letters), "".join(_NUMBERS.findall(text)))
    return max(len(_LIST.sub("", named, count=2)) for named in signs)


def hidden_items(training: TrainingRecord, items: Sequence[ItemResult]) -> list[str]:
    """Return ids of items that are in the recorded split's training or validation part, but are not logged as seen."""
    if not training.has_manifest or training.split not in TRAINING_SPLITS:
        return []
    parts = parts_of(training.split)
    seen = {*parts.train, *parts.validation}
    return [item.item_id for item in items if item.item_id in seen and item.seen != 1]


def used_cache(run: Run) -> bool:
    """Return whether lm-eval's request cache may have been used. Cached answers may come from another model."""
    loaded = run.results.loaded
    return bool(run.config.use_cache) or (loaded is not None and loaded.request_cache is not False)


def shared_doubts(run: Run) -> Iterator[str]:
    """Yield each reason why the answers may come from another model. Imported runs are not checked for this."""
    if used_cache(run):
        yield CACHE_DOUBT
    backend = run.config.backend
    if is_traced(backend) and (strange := unaccounted(backend, run.args.given)):
        yield f"model arguments with an unknown effect: {', '.join(strange)}"


def training_doubts(run: Run) -> Iterator[str]:
    """Yield each reason why the logged `seen_in_training` does not prove what the model was trained on."""
    backend, training, loaded = run.config.backend, run.training, run.results.loaded
    if loaded is not None and loaded.handed_over is not False:
        yield "the model was passed as a Python object, so its weights are unknown; pass model and model_args instead"
        return
    if not is_traced(backend):
        yield f"the loaded files of model type {backend[:40]} are not traced"
    elif loaded is None:
        yield "its results file has no record of the files that were loaded"
    elif training.has_manifest and not _is_of_its_record(run):
        yield "the loaded files differ from those in its training record"
    if not training.has_manifest or training.split not in TRAINING_SPLITS:
        yield f"its log says: {training.reason}" if training.reason else "its training record names no manifest"
    elif not training.base_known:
        yield training.reason or "the training data of its base model are unknown"
    for name in ("pretrained", *ADAPTER_ARGUMENTS):
        loaded_name = run.args.as_told(name)
        # With --metadata, a user can override the model arguments that lm-eval passes to the task.
        if run.results.task.metadata.told(name, loaded_name) != loaded_name:
            yield f"the task's metadata has another {name} than the model arguments"


def _is_of_its_record(run: Run) -> bool:
    """Return whether the loaded files have exactly the hashes that the training manifest lists."""
    training = run.training
    if training.weights is None or training.settings is None or training.base_files is None:
        return False
    own, is_adapter = training.weights | training.settings, training.form == "adapter"
    expected = {f"{'peft' if is_adapter else 'pretrained'}/{name}": value for name, value in own.items()}
    if is_adapter:
        expected |= {f"pretrained/{name}": value for name, value in training.base_files.items()}
    return bool(own) and run.loaded.files == expected


def is_compared(case: Case) -> bool:
    """Return whether the run's baseline has committed scores for every item; False if the task generates text."""
    reference = _reference().get(baseline_name(case.run), {})
    return bool(reference) and not case.spec.generates and all(s.item_id in reference for s in case.run.items)


def baseline_faults(case: Case) -> Iterator[str]:
    """Yield the first difference, in arguments or scores, between the run's baseline and the committed baseline."""
    run, name = case.run, baseline_name(case.run)
    given = {argument: str(value) for argument, value in run.args.given.items() if argument not in _WITHOUT_EFFECT}
    other = [str(argument)[:40] for argument, value in given.items() if (argument, value) != ("seed", "0")]
    if name == "random" and "seed" in other:
        yield "baseline random is accepted only with seed=0, because a search over seeds finds a high accuracy"
    elif other:
        shown = ", ".join(sorted(other)[:3])
        yield f"baseline {name} is accepted only with its committed arguments (kind, seed=0); also given: {shown}"
    elif is_compared(case):
        for sample in run.items:
            expected = _expected(case, _reference()[name][sample.item_id], sample.doc.option_ids)
            if not _is_near(sample.log_likelihoods or (), expected):
                yield f"recorded as baseline {name}, but its scores differ from the committed ones ({sample.item_id})"
                return


def baseline_name(run: Run) -> str:
    """Return the name of the baseline that a run is recorded as."""
    return (run.args.text("kind") or "None")[:40]


def _expected(case: Case, by_option: Mapping[str, float], shown: Sequence[str]) -> list[list[float]]:
    """Return the scores that the run's baseline must have for one item, shape (5 rotations, 5 letters).

    `by_option` maps recipe ids to committed scores. `shown` has the recipe ids at A to E, before rotation.
    """
    baseline = BASELINES[baseline_name(case.run)]
    if baseline.by_position:
        return [[1.0, *[0.0] * (N_OPTIONS - 1)]] * N_OPTIONS
    if baseline.reads_query and "{{ query }}" not in prompts.template(case.spec.prompt):
        return [[0.0] * N_OPTIONS] * N_OPTIONS
    return [[by_option[i] for i in (*shown[r:], *shown[:r])] for r in range(N_OPTIONS)]


def _is_near(scores: Sequence[float], expected: Sequence[Sequence[float]]) -> bool:
    """Return whether scores match `expected`, apart from rounding and the constant that log-softmax adds to a row."""
    rows = np.reshape(scores, (-1, N_OPTIONS))
    wanted = np.array(expected)[: len(rows)]
    # Ties must be the same: a tiny difference can break a tie, and then the accuracy changes.
    is_best, must_be_best = (table == table.max(axis=1, keepdims=True) for table in (rows, wanted))
    if (is_best != must_be_best).any():
        return False
    tolerance = _TOLERANCE + _ROUNDED * (abs(wanted) + abs(wanted[:, :1]))
    with np.errstate(invalid="ignore"):  # logged scores can be infinite
        return bool((abs((rows - rows[:, :1]) - (wanted - wanted[:, :1])) <= tolerance).all())


@lru_cache(maxsize=1)
def _reference() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Return the committed scores of the baselines: {baseline: {item id: {recipe id: score}}}."""
    scores: defaultdict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for path in sorted((RESULTS / "untrained").glob(f"*{SUFFIX}")):
        run = read_record(path)
        if run.config.model == "recipe-mpr-baseline" and run.task in ("recipe_mpr", "recipe_mpr_sample"):
            for sample in run.items:
                by_option = zip(sample.doc.option_ids, sample.log_likelihoods or (), strict=True)
                scores[run.args.text("kind")][sample.item_id] = dict(by_option)
    return scores
