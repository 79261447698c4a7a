"""Read and write the training manifest, `recipe_mpr_training.json` beside a checkpoint's weights.

`finetune` writes it, evaluation reads it (`provenance.py`). It is untrusted data: its size is bounded, each field is
checked, and no value is opened, executed or used as a path.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recipe_mpr_task.data import SHA256
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.field_faults import field_faults
from recipe_mpr_task.files import NotAFileError, read_regular, sha256_of, write_atomic
from recipe_mpr_task.loaded_files import content_hashes

FILE_NAME = "recipe_mpr_training.json"
_MAX_BYTES = 8_000_000
WEIGHT_SUFFIXES = (".safetensors", ".bin")

TRAINING_KEY = "recipe_mpr_training"
"""Key of a results file: how the model was trained, see `provenance.Seen.summary`."""

MODEL_KEY = "recipe_mpr_model"
"""Key of a results file: the files that the model was loaded from, see `loaded_model.model_record`."""

COST_KEY = "recipe_mpr_cost"
"""Key of a results file: what the evaluation cost, see `cost.EvaluationCost`."""

ItemId = Annotated[str, Field(pattern=r"^(mpr-\d{3}|sample-\d{2})$")]
ItemIds = Annotated[tuple[ItemId, ...], Field(max_length=1000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, Field(max_length=500)]
Hashes = Annotated[dict[Line, Sha256], Field(max_length=1000)]
Number = Annotated[int | float, Field(ge=0, allow_inf_nan=False)]
Settings = Annotated[dict[Line, Any], Field(max_length=100)]


class TrainingManifest(BaseModel):
    """The record of one training run; the contract between `finetune` and evaluation.

    Attributes:
        dataset_sha256: of the dataset file that the item ids index.
        split: the split trained on, see `splits.parts_of`.
        train_ids: items that gradients were taken on.
        validation_ids: items that the checkpoint was selected by: as good as seen.
        test_ids: items held out from both.
        inherited_ids: items that the base model's own manifests name as seen.
        order: how options stood, one of `orders.TRAINING_ORDERS`.
        prompt: name of the template; empty for a model that reads no prompt.
        head: how the checkpoint is scored: "causal", or a head of the encoder adapter.
        form: "adapter" (needs its base model), "merged" or "full".
        base_model: what was asked for: a hub id, a folder's name or random:NAME.
        base_revision: of a hub id.
        base_files: the base's files and their hashes, see `loaded_files.content_hashes`; empty if unread.
        base_known: whether it is known what the base had seen of the dataset: random weights of this run's making, a
            pinned public model (see `public_models`), or a folder with a manifest of its own.
        base_reason: why that is not known; "" if it is.
        random_weights: whether training began from random weights: a demonstration, which no board ranks.
        weights: name to SHA-256 of every weight file that this manifest speaks of.
        settings: the same of tokenizer, templates and configs, see `loaded_files.content_hashes`.
        system: hash of all that makes runs on other folds the same system: recipe, base and seed.
        family: the same without the seed.
        recipe: the resolved recipe.
        history: logged values by step: loss, learning_rate, grad_norm, eval_accuracy, ...
        wall_time_s: seconds of training, resumed parts included.
        peak_memory_bytes: of the device; of the process on a CPU.
        samples_per_second: training items a second, each item counted once an epoch.
        seconds_per_item: seconds for one training item in one epoch; None if not recorded.
        tokens_per_second: tokens trained on a second, without padding; None if not recorded.
        hardware: the hardware of training, see `cost.Hardware`; None if not recorded.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: Literal[2] = 2
    dataset_sha256: Sha256
    split: Line
    train_ids: ItemIds
    validation_ids: ItemIds
    test_ids: ItemIds
    inherited_ids: ItemIds = ()
    order: Line
    prompt: Line
    task_version: int
    seed: int
    head: Line
    form: Literal["adapter", "merged", "full"]
    base_model: Line
    base_revision: Line | None = None
    base_files: Hashes = {}
    base_known: bool
    base_reason: Line = ""
    random_weights: bool
    weights: Annotated[Hashes, Field(min_length=1)]
    settings: Hashes
    system: Sha256
    family: Sha256
    recipe_name: Line
    recipe: Settings
    versions: Annotated[dict[Line, Line], Field(max_length=50)] = {}
    wall_time_s: Number
    peak_memory_bytes: Annotated[int, Field(ge=0)]
    samples_per_second: Number
    seconds_per_item: Number | None = None
    tokens_per_second: Number | None = None
    hardware: Line | None = None
    trainable_parameters: Annotated[int, Field(ge=0)]
    total_parameters: Annotated[int, Field(ge=0)]
    history: Annotated[tuple[dict[Line, Number | None], ...], Field(max_length=10_000)] = ()

    @property
    def seen_ids(self) -> frozenset[str]:
        """Items trained or validated on, by this run or by its base model."""
        return frozenset((*self.train_ids, *self.validation_ids, *self.inherited_ids))

    @property
    def is_of_pinned_data(self) -> bool:
        """Say whether the item ids are those of this release's dataset or sample."""
        return self.dataset_sha256 in (SHA256, sample_sha256())

    def write(self, folder: Path) -> None:
        """Write the manifest beside a checkpoint, whole or not at all."""
        write_atomic(folder / FILE_NAME, self.model_dump_json(indent=1) + "\n")


def sample_sha256() -> str:
    """Return the hash of the embedded sample: the dataset of runs with `split=sample`."""
    from importlib.resources import files

    return sha256_of((files("recipe_mpr_task") / "sample.json").read_bytes())


def read_manifest(folder: Path) -> TrainingManifest | None:
    """Return the manifest beside a checkpoint, or None if there is none.

    Raises:
        CheckpointError: the file is no manifest: too large, not JSON, or a field is wrong.
    """
    path = folder / FILE_NAME
    if not path.is_symlink() and not path.exists():
        return None
    try:
        content = json.loads(read_regular(path, _MAX_BYTES))
        if isinstance(content, dict) and content.get("format") == 1:
            raise CheckpointError(f"{path} is of an earlier release and lacks hashes that are now needed; train again")
        return TrainingManifest.model_validate(content)
    except NotAFileError as error:
        raise CheckpointError(f"{path} is no training manifest: {error}") from None
    except ValidationError as error:
        raise CheckpointError(f"{path} is no training manifest: {field_faults(error)[0]}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no training manifest: {type(error).__name__}") from None


def split_hashes(folder: Path) -> dict[str, dict[str, str]]:
    """Return the fields `weights` and `settings` for the manifest of a checkpoint folder."""
    hashes = content_hashes(folder)
    weights = {name: value for name, value in hashes.items() if name.endswith(WEIGHT_SUFFIXES)}
    return {"weights": weights, "settings": {name: hashes[name] for name in hashes.keys() - weights.keys()}}
