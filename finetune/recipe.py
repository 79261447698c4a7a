"""Define a recipe: all settings of a training run, checked before any weight is loaded."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.field_faults import FieldFault, field_faults
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.models.heads import HEADS, TRAINED
from recipe_mpr_task.splits import FOLDS, TRAINING_SPLITS
from recipe_mpr_task.suggest import did_you_mean, nearest

RECIPE_FILE = "recipe.yaml"
"""Name of the file in a run's folder that holds the recipe with the values of all settings."""

SPLITS = (*TRAINING_SPLITS, "folds")
"""Values of `split=`. "folds" means five runs, one for each fold."""

_NOT_OF_THE_SYSTEM = ("name", "base_sha256", "split", "out", "merge", "deterministic", "logging_steps",
                      "max_batch_tokens", "max_batch_items", "gradient_checkpointing", "attention",
                      "packing", "architecture", "report_to", "keep_checkpoints")  # fmt: skip
"""Settings that `Recipe.system` does not hash. Runs that differ only in these settings belong to one system."""

TRACKERS = {
    "tensorboard": "tensorboard", "wandb": "wandb", "trackio": "trackio", "mlflow": "mlflow", "comet_ml": "comet-ml",
    "clearml": "clearml", "swanlab": "swanlab", "codecarbon": "codecarbon", "dvclive": "dvclive",
}  # fmt: skip
"""Values of `report_to=`: transformers' names, which are also the modules' names. Each maps to its package for pip."""

LETTER_PROMPTS = ("default", "mmlu", "options_first")
"""Prompts for which the answer is only a letter, " A" to " E"."""

_USERS = {
    setting: [name for name in TRAINED if setting in HEADS[name].own_settings]
    for head in TRAINED
    for setting in HEADS[head].own_settings
}
"""Settings that only some heads use. Each setting maps to the names of the heads that use the setting."""

Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(min_length=1, max_length=300)]


class RecipeError(RecipeMPRError):
    """A recipe cannot be run. The message says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_bool_for_a_number(cls, value: Any, info: Any) -> Any:
        # YAML reads `yes` as True, and pydantic would convert True to the number 1. Strict mode is not used, because it
        # would also reject 2e-4, which YAML reads as text.
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("true, false, yes and no are not allowed here; give a number or a text")
        return value


class Lora(_Strict):
    """Settings of the low-rank adapters (LoRA; Hu et al., arXiv 2106.09685).

    Attributes:
        r: rank of the adapters.
        alpha: scale of the adapters; their output is multiplied by alpha / r.
        dropout: dropout probability in the adapters.
        bias: which bias parameters to train. peft defines the three values.
        target_modules: names of the linear layers to adapt, such as "q_proj".
    """

    r: Positive
    alpha: Positive
    dropout: Share = 0.0
    bias: Literal["none", "all", "lora_only"] = "none"
    target_modules: Annotated[tuple[Name, ...], Field(min_length=1)]

    @field_validator("target_modules", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Recipe(_Strict):
    """All settings of a training run.

    Attributes:
        head: how the model scores options, one of `heads.TRAINED`.
        model: a hub id, a folder or random:ARCHITECTURE. "random:" builds and saves a base model with random weights.
        architecture: file that describes a hub model, so that `--dry-run` can count parameters offline. Either a name
            in `harness_configs/architectures`, or a path.
        split: one of SPLITS.
        order: order of the options. "drawn" draws a new order in each epoch. "shuffled" is the order that evaluation
            uses. "file" is the order in the dataset file, where the gold option is always A.
        loss: for causal models, "answer" (loss on the letter alone) or "text" (loss on the whole text).
        label_smoothing: label smoothing of an encoder's loss over five options.
        temperature: number by which a bi-encoder's cosine similarities are divided.
        aspects: weight of a bi-encoder's second loss. The queries in this loss are annotated parts of the training
            queries. 0 means no second loss.
        negation: weight of the similarity to a negated phrase. A bi-encoder subtracts the weighted similarity from an
            option's score; `recipe_mpr_task.models.negation` has the formula.
        repeat_negated: how many times an epoch shows each training item of type Negated.
        select: the epoch whose weights are kept: "best" (lowest validation cross-entropy) or "last".
        refit: whether to train on the validation items too. Use this after the settings are chosen, with select=last.
        effective_batch: number of items in an optimizer step.
        max_batch_tokens: largest number of tokens in a forward pass, with padding. Training lowers this
            number if memory runs out.
        max_batch_items: largest number of items in a forward pass; None means no limit.
        pad_to: "batch" pads to the batch's longest text; "max_length" pads to max_length, as in the published run.
        packing: for causal models, whether to put the texts of a forward pass into one row, without padding. The losses
            and gradients are the same. Needs attention sdpa or flash_attention_2.
        max_length: largest number of tokens in a prompt with its answer, or in an encoder's input. A longer item
            is an error.
        warmup_ratio: fraction of all steps used for warm-up, if warmup_steps is 0.
        attention: implementation of attention. "auto" takes the fastest that the architecture supports: "sdpa", or else
            "eager". The manifest records the implementation.
        lora: settings of the adapters. None trains all weights, in float32.
        quantization: "4bit" loads the base model with bitsandbytes (QLoRA, arXiv 2305.14314).
        keep_checkpoints: whether to keep the weights of every epoch, for `recipe-mpr add --all-checkpoints`.
        report_to: names of TRACKERS that transformers' Trainer logs to. Empty by default: no data leave the machine.
        merge: whether to also save the base model and the adapter merged into one model.
        base_sha256: one hash for all files of the base model. Training sets this value when the run begins.
    """

    name: Name
    head: Literal[TRAINED] = "causal"  # type: ignore[valid-type]
    model: Name
    revision: Name = "main"
    architecture: Name | None = None
    split: Literal[SPLITS] = "published"  # type: ignore[valid-type]
    out: Name
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    deterministic: bool = False
    order: Literal["drawn", "shuffled", "file"] = "drawn"
    prompt: Name = "default"
    loss: Literal["answer", "text"] = "answer"
    label_smoothing: Share = 0.0
    temperature: Rate = 0.05
    aspects: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    negation: Share = 0.0
    repeat_negated: Positive = 1
    select: Literal["best", "last"] = "best"
    refit: bool = False
    epochs: Positive
    effective_batch: Positive = 16
    max_batch_tokens: Positive = 16384
    max_batch_items: Positive | None = None
    pad_to: Literal["batch", "max_length"] = "batch"
    packing: bool = False
    max_length: Positive = 512
    learning_rate: Rate
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    warmup_ratio: Share = 0.0
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    max_grad_norm: Rate = 1.0
    logging_steps: Positive = 10
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    gradient_checkpointing: bool = False
    quantization: Literal["none", "4bit"] = "none"
    lora: Lora | None = None
    keep_checkpoints: bool = False
    report_to: tuple[Literal[tuple(TRACKERS)], ...] = ()  # type: ignore[valid-type]
    merge: bool = False
    base_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None

    @field_validator("report_to", mode="before")
    @classmethod
    def _names_are_a_list(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [name.strip() for name in value.split(",") if name.strip() not in ("", "none")]
        return value or ()

    @field_validator("prompt")
    @classmethod
    def _prompt_exists(cls, value: str) -> str:
        if value not in LETTER_PROMPTS:
            raise ValueError(
                f"unknown, or without a letter answer; prompts with a letter answer: {', '.join(LETTER_PROMPTS)}"
            )
        return value

    @model_validator(mode="after")
    def _settings_agree(self) -> "Recipe":
        if self.merge and self.quantization != "none":
            raise ValueError(
                "merge: an adapter trained on a 4-bit base model has other scores when merged; set merge=false or "
                "quantization=none"
            )
        if self.lora is None and (self.merge or self.quantization != "none"):
            raise ValueError("merge and quantization need an adapter; add lora, or leave merge and quantization out")
        if self.refit and self.select == "best":
            raise ValueError("refit=true leaves no validation items for select=best; set select=last or refit=false")
        if self.packing and (self.pad_to == "max_length" or self.attention == "eager"):
            raise ValueError("packing=true excludes pad_to=max_length and attention=eager; change one of the settings")
        for name, heads in _USERS.items():
            if getattr(self, name) and self.head not in heads:
                raise ValueError(f"{name}: only for head {', '.join(heads)}, not {self.head}; leave {name} out")
        if self.warmup_steps and self.warmup_ratio:
            raise ValueError("warmup_steps and warmup_ratio are both given; leave one out")
        return self

    def folds(self) -> "list[Recipe]":
        """Return one recipe for each run. With split=folds, each fold is a run; otherwise, this recipe is one run."""
        if self.split != "folds":
            return [self]
        return [self.model_copy(update={"split": fold, "out": str(Path(self.out) / fold)}) for fold in FOLDS]

    def system(self, base: str) -> str:
        """Return the hash of the settings, the seed and the base model.

        Runs of one system on different splits have the same hash.

        Args:
            base: the base model's `Base.identity`.
        """
        return self._hashed(base, set())

    def family(self, base: str) -> str:
        """Return the hash of the settings and the base model, without the seed.

        Runs of one recipe with different seeds have the same hash.

        Args:
            base: the base model's `Base.identity`. For a random base model, the name of the model.
        """
        return self._hashed(base, {"seed"})

    def _hashed(self, base: str, left_out: set[str]) -> str:
        # Exclude default values, so that a setting added in a later release does not change the hash of earlier runs.
        excluded = {*_NOT_OF_THE_SYSTEM, "model", "revision", *left_out}
        settings = self.model_dump(mode="json", exclude=excluded, exclude_defaults=True)
        return sha256_of(json.dumps([base, settings], sort_keys=True).encode())


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes."""
    folder = files("harness_configs") / "recipes"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name: a shipped recipe's name, or the path of a YAML file.
        overrides: "key=value" texts with YAML values. For example, "lora.r=8" sets `r` in the block `lora`.

    Raises:
        RecipeError: the recipe does not exist, or the recipe or an override has faults. The message lists the faults.
    """
    settings = _read(name)
    settings.setdefault("name", Path(name).stem)
    settings.setdefault("out", f"out/finetune/{settings['name']}")
    shape = settings.pop("architecture", None)
    for override in overrides:
        _apply(settings, override)
    if not any(override.startswith("model=") for override in overrides):
        settings.setdefault("architecture", shape)  # `architecture` describes only the recipe's own model
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        raise RecipeError(f"recipe {name}: {'; '.join(map(_describe, field_faults(error)))}") from None


def _read(name: str) -> dict[str, Any]:
    path = Path(name).expanduser()
    shipped = files("harness_configs") / "recipes" / f"{name.removesuffix('.yaml')}.yaml"
    try:
        if path.is_file():
            text = path.read_text()
        elif "/" not in name and shipped.is_file():
            text = shipped.read_text()
        else:
            names = recipe_names()
            hint = did_you_mean(name, names)
            raise RecipeError(f"no recipe {name!r}; allowed: a path, or one of {', '.join(names)}{hint}")
        settings = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"recipe {name} cannot be read: {error}") from None
    if not isinstance(settings, dict):
        raise RecipeError(f"recipe {name} holds no settings; expected a YAML mapping")
    return settings


def _apply(settings: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"override {override!r}; expected key=value, such as epochs=3 or lora.r=8")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise RecipeError(f"override {override!r}: the value is not valid YAML; quote a text as 'TEXT'") from None
    *blocks, last = key.split(".")
    for block in blocks:
        inner = settings.setdefault(block, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"override {override!r}: {block} has no nested settings; allowed: lora.SETTING=VALUE")
        settings = inner
    settings[last] = value


def _describe(fault: FieldFault) -> str:
    if fault.kind == "extra_forbidden":
        allowed = list(Lora.model_fields if fault.where.startswith("lora.") else Recipe.model_fields)
        near = nearest(fault.where.rpartition(".")[2], allowed)
        hint = f", did you mean {near}?" if near else f"; allowed: {', '.join(allowed)}"
        return f"unknown key {fault.where}{hint}"
    if fault.kind == "missing":
        return f"{fault.where} is missing; add it to the recipe, or give {fault.where}=VALUE"
    return f"{fault} (got {fault.got})" if fault.where else fault.message
