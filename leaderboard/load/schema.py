"""Define types for one task of lm-eval's results file, and parse the file's JSON. `samples` parses the samples file.

The files are untrusted. A field gets its default if the value is missing, has another type, is too large or is
nested too deep. The check that needs the value then reports a missing value. Numbers are finite and at most 2^53, so
that all JSON readers read the same number. Long texts are cut, and lone surrogates are replaced.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from leaderboard.load.import_facts import ImportFacts
from recipe_mpr_task.cost import EvaluationCost
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.manifest import COST_KEY, MODEL_KEY, TRAINING_KEY
from recipe_mpr_task.model_arguments import parsed
from recipe_mpr_task.result_records import Amount, Count, LoadedModel, Sha256, Tolerant, TrainingRecord

IMPORT_MODEL = "recipe-mpr-import"  # the model name in records of imported predictions
AROUND, FLAGS, IMPORT_KEY = "recipe_mpr_around", "recipe_mpr_flags", "recipe_mpr_import"
LONGEST_AROUND = 20_000  # characters; in a record, a longer text around the prompts is cut
_SECONDS = "total_evaluation_time_seconds"
_LARGEST = 2**53
_LONGEST, _LONGEST_PROMPT = 2_000, 20_000
_DEPTH_OF_PROMPTS, _DEEPEST = 3, 8
_MOST, _MOST_ITEMS = 20_000, 10_000


@dataclass(frozen=True)
class ModelArgs:
    """The model arguments (`--model_args`). `given` maps names to values. The names depend on the backend."""

    given: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return an argument as text; "" if the argument is absent, empty, 0 or false."""
        value = self.given.get(name)
        return str(value) if value else ""

    def as_told(self, name: str) -> str:
        """Return an argument as the text that lm-eval passes to the task; "None" if the argument was not given."""
        return str(self.given.get(name))

    @property
    def gold_letters(self) -> tuple[int, ...]:
        """For each letter A to E, the number of items whose right option has this letter; () if not recorded.

        Older records of imports have these counts instead of each item's letters.
        """
        counts = self.given.get("gold_letters")
        if not isinstance(counts, list) or len(counts) != N_OPTIONS:
            return ()
        return tuple(counts) if all(type(n) is int and 0 <= n <= _MOST_ITEMS for n in counts) else ()


def _integers(value: Any) -> Any:
    # An invalid entry of another task must not discard this task's count.
    return {key: n for key, n in value.items() if type(n) is int} if isinstance(value, dict) else value


class Config(Tolerant):
    """The `config` object of lm-eval's results file: the model, and how the model was run."""

    model: str | None = None
    model_args: Annotated[dict[str, Any], BeforeValidator(parsed)] = Field(default={})
    model_num_parameters: Count | None = None
    model_sha: str | None = None
    peft_sha: str | None = None
    model_dtype: str | None = None
    model_revision: str | None = None
    limit: Any = None
    batch_size: Any = None
    device: Any = None
    fewshot_seed: int | None = None
    use_cache: Any = None
    recipe_mpr_head: str | None = None
    recipe_mpr_truncated: int | None = None
    recipe_mpr_truncated_in: Annotated[dict[str, int], BeforeValidator(_integers)] = Field(default={})
    recipe_mpr_identity: Sha256 | None = None

    @cached_property
    def args(self) -> ModelArgs:
        """The model's arguments."""
        return ModelArgs(self.model_args)

    @property
    def backend(self) -> str:
        """The value of lm-eval's option `--model`."""
        return str(self.model)


class Metadata(Tolerant):
    """A task's metadata. Lm-eval adds the model arguments and the values of `--metadata`."""

    model_config = ConfigDict(extra="allow")

    version: int | None = None
    recipe_mpr_system: Any = None

    def told(self, name: str, otherwise: Any) -> str:
        """Return the model argument `name` from the metadata as text. If it is absent, return `otherwise` as text."""
        return str((self.model_extra or {}).get(name, otherwise))


class TaskConfig(Tolerant):
    """A task's configuration as lm-eval recorded it."""

    doc_to_text: Any = ""
    description: Any = None
    metadata: Metadata = Metadata()
    doc_to_choice: Any = None
    doc_to_target: Any = None
    target_delimiter: Any = None
    fewshot_delimiter: Any = None
    output_type: Any = None
    gen_prefix: Any = None
    generation_kwargs: dict[str, Any] | None = None
    repeats: Any = None

    def differs(self, key: str, own: Any) -> bool:
        """Return whether the recorded value of `key` differs from `own`, the expected value; False if not recorded."""
        return key in self.model_fields_set and getattr(self, key) != own


class Results(Tolerant):
    """The part of a results file or record that the leaderboard reads for one task."""

    date: Annotated[float, Field(gt=0)] | None = None
    lm_eval_version: Any = None
    transformers_version: Any = None
    chat_template_sha: Any = None
    system_instruction_sha: Any = None
    system_instruction: Any = None
    fewshot_as_multiturn: Any = None
    # Lm-eval writes the time as text, and records do the same.
    eval_seconds: Annotated[Amount | None, Field(alias=_SECONDS), PlainSerializer(str, when_used="unless-none")] = None
    training: Annotated[TrainingRecord | None, Field(alias=TRAINING_KEY)] = None
    loaded: Annotated[LoadedModel | None, Field(alias=MODEL_KEY)] = None
    cost: Annotated[EvaluationCost | None, Field(alias=COST_KEY, strict=False)] = None
    imported: Annotated[ImportFacts | None, Field(alias=IMPORT_KEY)] = None
    flags: list[Any] = Field(default=[], alias="recipe_mpr_flags")
    around: Annotated[str, Field(alias=AROUND)] = ""
    config: Config = Config()
    task: Annotated[TaskConfig, Field(alias="task_config")] = TaskConfig()
    n_shot: int = 0
    metrics: dict[str, Any] = Field(default={})

    @property
    def accuracy(self) -> Any:
        """The task's accuracy as lm-eval recorded it."""
        return self.metrics.get("acc,none")

    @classmethod
    def of(cls, raw: Mapping[str, Any], task: str) -> "Results":
        """Read one task's results from a parsed file. Values are limited in size. A missing value stays unset."""
        configs, n_shots, metrics = (_mapping(raw.get(key)) for key in ("configs", "n-shot", "results"))
        kept = {key: raw[key] for key in cls.logged_keys() - {AROUND} if raw.get(key) is not None} | {
            "config": _fields(raw.get("config"), Config),
            "configs": {task: _fields(configs.get(task), TaskConfig)},
            "n-shot": {task: n_shots.get(task) or 0},
            "results": {task: _mapping(metrics.get(task))},
        }
        if len(configs) > 1:
            kept.pop(_SECONDS, None)  # this time is the sum for all tasks
        kept = _bounded(kept)
        if isinstance(around := raw.get(AROUND), str):
            kept[AROUND] = around[:LONGEST_AROUND].encode(errors="replace").decode()
        fields = {"task_config": "configs", "n_shot": "n-shot", "metrics": "results"}
        return cls.model_validate(kept | {field: kept[key][task] for field, key in fields.items()})

    def as_raw(self, task: str) -> dict[str, Any]:
        """Return the results in the layout of lm-eval's results file, as a record stores them."""
        plain = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        settings, n_shot, metrics = (plain.pop(key, {}) for key in ("task_config", "n_shot", "metrics"))
        return plain | {"configs": {task: settings}, "n-shot": {task: n_shot or 0}, "results": {task: metrics}}


def _fields(raw: Any, of: type[Tolerant]) -> dict[str, Any]:
    return {key: value for key, value in _mapping(raw).items() if key in of.logged_keys()}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bounded(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        longest = _LONGEST_PROMPT if depth == _DEPTH_OF_PROMPTS else _LONGEST
        return value[:longest].encode(errors="replace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if abs(value) <= _LARGEST and math.isfinite(value) else None
    if depth < _DEEPEST and isinstance(value, dict):
        return {_bounded(str(key)): _bounded(inner, depth + 1) for key, inner in list(value.items())[:_MOST]}
    if depth < _DEEPEST and isinstance(value, list):
        return [_bounded(inner, depth + 1) for inner in value[:_MOST]]
    return None
