"""Load the items of a training run."""

from dataclasses import dataclass

from recipe_mpr_task.data import SHA256
from recipe_mpr_task.item import Item
from recipe_mpr_task.manifest import sample_sha256
from recipe_mpr_task.splits import items_of, parts_of


@dataclass(frozen=True)
class TrainingData:
    """The items of one training run.

    Attributes:
        train: items to train on.
        validation: items that are scored after each epoch, to select the best checkpoint. Empty with `refit`.
        test_ids: ids of the items that are held out from training and selection.
        dataset_sha256: SHA-256 of the dataset file that holds the items.
    """

    train: tuple[Item, ...]
    validation: tuple[Item, ...]
    test_ids: tuple[str, ...]
    dataset_sha256: str


def training_data(split: str, *, refit: bool = False) -> TrainingData:
    """Load the items of a split.

    Args:
        split: one of `splits.TRAINING_SPLITS`.
        refit: whether to train on the validation items too. If True, `validation` is empty.

    Raises:
        DataError: the dataset is missing or altered.
        RecipeMPRError: `split` is not one of `splits.TRAINING_SPLITS`.
    """
    parts = parts_of(split)
    by_id = {item.item_id: item for item in items_of(split)}
    train, validation = (sorted(parts.train + parts.validation), ()) if refit else (parts.train, parts.validation)
    return TrainingData(
        train=tuple(by_id[i] for i in train),
        validation=tuple(by_id[i] for i in validation),
        test_ids=parts.test,
        dataset_sha256=sample_sha256() if split == "sample" else SHA256,
    )
