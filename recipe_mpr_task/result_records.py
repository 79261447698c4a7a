"""Define types for two records in a results file: the model's training and the loaded files.

The plugin writes both records.

A results file is untrusted. If a value does not fit its field, the field gets its default.
"""

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticUseDefault

CURVES = ("loss", "eval_cross_entropy", "eval_accuracy", "learning_rate", "grad_norm")
"""Names of the values that a step of a training curve can hold, in display order."""

_MOST_STEPS = 2_000


class Tolerant(BaseModel):
    """Base class for a part of an untrusted file. If a value does not fit its field, the field gets its default."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, populate_by_name=True)

    @classmethod
    def logged_keys(cls) -> frozenset[str]:
        """Return the keys that the file uses for the fields of the class."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_default(cls, value: Any, handler: Any) -> Any:
        try:
            return handler(value)
        except (ValidationError, ValueError, TypeError, RecursionError):
            raise PydanticUseDefault from None


def _number(value: Any) -> Any:
    return None if isinstance(value, bool) else value


Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False, strict=False)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ShortText = Annotated[str, Field(max_length=800)]
"""A text of at most 800 characters. A longer text is replaced by the field's default."""


def _number_as_text(value: Any) -> Any:
    # Keep a number as text: without `system`, the record would be read as a record without a manifest.
    return str(value) if isinstance(value, (int, float)) else value


def _mark_as_text(value: Any) -> Any:
    # Keep a mark of another type as text: without a mark, the run would be read as a run of the selected checkpoint.
    return str(value)[:200] if value else None


class TrainingRecord(Tolerant):
    """The record of the model's training in a results file, made by `provenance.Seen.summary`."""

    model_config = ConfigDict(extra="allow")

    reason: ShortText | None = None
    recipe_name: ShortText | None = None
    split: ShortText | None = None
    seed: Annotated[int | float | ShortText, Field(union_mode="left_to_right")] | None = None
    base_model: ShortText | None = None
    system: Annotated[ShortText | None, BeforeValidator(_number_as_text)] = None
    form: ShortText | None = None
    order: ShortText | None = None
    trainable_parameters: Count | None = None
    base_known: bool | None = None
    random_weights: bool | None = None
    family: ShortText | None = None
    wall_time_s: Amount | None = None
    samples_per_second: Amount | None = None
    peak_memory_bytes: Count | None = None
    tokens_per_second: Amount | None = None
    seconds_per_item: Amount | None = None
    hardware: ShortText | None = None
    step: Count | None = None
    unselected: Annotated[str | None, BeforeValidator(_mark_as_text)] = None
    weights: dict[str, str] | None = None
    settings: dict[str, str] | None = None
    base_files: dict[str, str] | None = None
    history: list[dict[str, Any]] = []

    @property
    def has_manifest(self) -> bool:
        """Whether the run's checkpoint had a training manifest."""
        return self.system is not None

    @property
    def curve(self) -> tuple[dict[str, float], ...]:
        """One dictionary per logged training step, with `step` and the finite values of CURVES. At most 2,000 steps."""
        entries = [{k: e[k] for k in ("step", *CURVES) if _is_finite(e.get(k))} for e in self.history]
        return tuple(entry for entry in entries if len(entry) > 1 and "step" in entry)[:_MOST_STEPS]


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


class LoadedModel(Tolerant):
    """The record of the loaded files in a results file, made by `loaded_model.model_record`."""

    model_config = ConfigDict(extra="allow")

    files: dict[str, str] = {}
    sha256: Sha256 | None = None
    sources: dict[str, str] = {}
    random_weights: bool | None = None
    request_cache: bool | None = None
    handed_over: bool | None = None
