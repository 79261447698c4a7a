"""Read and write the training manifest, the file `recipe_mpr_training.json` in a checkpoint's folder.

`finetune` writes the manifest. During evaluation, `provenance.py` reads the manifest. The manifest is untrusted. So
the file's size is limited, and each field is checked. No value is opened, executed or used as a path.
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
KEPT = "kept"
"""Name of a subfolder of a run's folder. The subfolder holds the checkpoints that were not selected.

The subfolder exists only if the recipe sets `keep_checkpoints`.
"""

WEIGHT_SUFFIXES = (".safetensors", ".bin")

TRAINING_KEY = "recipe_mpr_training"
"""Key in a results file. The value says how the model was trained, see `provenance.Seen.summary`."""

MODEL_KEY = "recipe_mpr_model"
"""Key in a results file. The value lists the loaded files, see `loaded_model.model_record`."""

COST_KEY = "recipe_mpr_cost"
"""Key in a results file. The value is the cost of the evaluation, see `cost.EvaluationCost`."""

ItemId = Annotated[str, Field(pattern=r"^(mpr-\d{3}|sample-\d{2})$")]
ItemIds = Annotated[tuple[ItemId, ...], Field(max_length=1000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, Field(max_length=500)]
Hashes = Annotated[dict[Line, Sha256], Field(max_length=1000)]
Number = Annotated[int | float, Field(ge=0, allow_inf_nan=False)]
Settings = Annotated[dict[Line, Any], Field(max_length=100)]


class TrainingManifest(BaseModel):
    """The record of one training run, which `finetune` writes and evaluation reads.

    Attributes:
        dataset_sha256: SHA-256 of the dataset file that the item ids refer to.
        split: the split that the run trains on, one of `splits.TRAINING_SPLITS`.
        train_ids: ids of the training items.
        validation_ids: ids of the items used to select the checkpoint. These items count as seen.
        test_ids: ids of the held-out items, used neither for training nor for selection.
        inherited_ids: ids of the items that the base model has seen, according to the base model's manifest.
        order: order of the options, one of `orders.TRAINING_ORDERS`.
        prompt: name of the prompt template; empty for a model that reads no prompt.
        head: "causal", or the encoder head that scores the checkpoint, one of `models.heads.SCORED`.
        form: "adapter" (needs the base model), "merged" or "full".
        base_model: the base model as the user named it: a hub id, a folder name or random:NAME.
        base_revision: revision of the base model on the hub; None if not recorded.
        base_files: file name to hash for the base model, see `loaded_files.content_hashes`; empty if not recorded.
        base_known: whether the base model's training data is known. The data is known for three kinds of base model:
            random weights made for this run, a model in `public_models`, and a folder with a manifest.
        base_reason: why the base model's training data is unknown; "" if known.
        random_weights: whether training began from random weights. Such a run is a demonstration and is not ranked.
        weights: file name to SHA-256, for each weight file of the checkpoint.
        settings: file name to hash for tokenizer, templates and configs, see `loaded_files.content_hashes`.
        system: hash of recipe, base model and seed. Runs on different folds of one system have the same hash.
        family: hash of recipe and base model. Runs with different seeds have the same hash.
        recipe: the recipe's settings, defaults included.
        step: optimizer step of these weights; None if not recorded.
        unselected: step of a checkpoint that was not selected, such as "step 12, not the selected step 8"; "" for the
            selected checkpoint. Unselected checkpoints get no result, because choosing a checkpoint by held-out items
            is choosing on the test set.
        history: one dictionary per logged step: step, loss, learning_rate, grad_norm, eval_accuracy, ...
        wall_time_s: seconds of training. For a resumed run, the time of every session is added.
        peak_memory_bytes: peak memory of the accelerator; on a CPU, peak memory of the process.
        samples_per_second: training items per second. An item counts once in every epoch.
        seconds_per_item: seconds for one training item in one epoch; None if not recorded.
        tokens_per_second: training tokens per second, without padding; None if not recorded.
        hardware: the training hardware in one line; None if not recorded.
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
    step: Annotated[int, Field(ge=0)] | None = None
    unselected: Line = ""
    trainable_parameters: Annotated[int, Field(ge=0)]
    total_parameters: Annotated[int, Field(ge=0)]
    history: Annotated[tuple[dict[Line, Number | None], ...], Field(max_length=10_000)] = ()

    @property
    def seen_ids(self) -> frozenset[str]:
        """Ids of the items that this run or its base model used for training or validation."""
        return frozenset((*self.train_ids, *self.validation_ids, *self.inherited_ids))

    @property
    def is_of_pinned_data(self) -> bool:
        """Whether the item ids refer to the dataset or the sample of this release."""
        return self.dataset_sha256 in (SHA256, sample_sha256())

    def write(self, folder: Path) -> None:
        """Write the manifest into a checkpoint folder in one atomic step."""
        write_atomic(folder / FILE_NAME, self.model_dump_json(indent=1) + "\n")


def sample_sha256() -> str:
    """Return the SHA-256 of `sample.json`, the dataset of runs with `split=sample`."""
    from importlib.resources import files

    return sha256_of((files("recipe_mpr_task") / "sample.json").read_bytes())


def read_manifest(folder: Path) -> TrainingManifest | None:
    """Return the manifest in a checkpoint folder, or None if the folder has no manifest.

    Raises:
        CheckpointError: the file cannot be read, is too large, is not JSON, has an invalid field, or was written by an
            earlier release.
    """
    path = folder / FILE_NAME
    if not path.is_symlink() and not path.exists():
        return None
    try:
        content = json.loads(read_regular(path, _MAX_BYTES))
        if isinstance(content, dict) and content.get("format") == 1:
            raise CheckpointError(f"{path} was written by an earlier release and lacks required hashes; train again")
        return TrainingManifest.model_validate(content)
    except NotAFileError as error:
        raise CheckpointError(f"{path} is not a valid training manifest: {error}") from None
    except ValidationError as error:
        raise CheckpointError(
            f"{path} is not a valid training manifest: {field_faults(error)[0]}; restore the file or train again"
        ) from None
    except (OSError, ValueError, RecursionError, OverflowError) as error:  # pydantic does not catch OverflowError
        raise CheckpointError(
            f"{path} is not a valid training manifest: {type(error).__name__}; restore the file or train again"
        ) from None


def split_hashes(folder: Path) -> dict[str, dict[str, str]]:
    """Hash the files of a checkpoint folder, and return the manifest's fields `weights` and `settings`."""
    hashes = content_hashes(folder)
    weights = {name: value for name, value in hashes.items() if name.endswith(WEIGHT_SUFFIXES)}
    return {"weights": weights, "settings": {name: hashes[name] for name in hashes.keys() - weights.keys()}}
