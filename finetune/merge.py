"""Merge an adapter into its base model, and compare the merged model's answers with the adapter's."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.base import base_folder_of
from finetune.causal import LetterTraining
from finetune.recipe import RECIPE_FILE, Recipe, load_recipe
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.manifest import TrainingManifest, read_manifest, split_hashes
from recipe_mpr_task.orders import display
from recipe_mpr_task.splits import items_of

MERGED = "merged"
COMPARISON = "comparison.json"
_N_COMPARED = 20


@dataclass(frozen=True)
class Comparison:
    """How much a merged model's scores differ from the adapter's scores.

    Attributes:
        n_items: number of items that both models scored.
        n_same: number of items on which both models choose the same letter.
        largest_difference: largest difference between the two models' log-probabilities of the same letter for the same
            item, in nats. For each item, the probabilities of the five letters sum to 1.
    """

    n_items: int
    n_same: int
    largest_difference: float


def merge(folder: Path) -> Comparison:
    """Merge an adapter into its base model, and compare the result with the adapter.

    Write the merged model, its manifest and the comparison to `folder/merged`.

    Args:
        folder: folder of a finished run.

    Returns:
        The comparison. Small differences are expected, because 16-bit weights are rounded.

    Raises:
        CheckpointError: `folder` holds no finished adapter.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest.form != "adapter":
        raise CheckpointError(f"{folder} holds no finished adapter; allowed: the folder of a finished run with lora")
    recipe = load_recipe(str(folder / RECIPE_FILE))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    staged = folder / f".{MERGED}"
    shutil.rmtree(staged, ignore_errors=True)
    before = _merge_into(staged, folder, recipe, tokenizer, manifest)
    tokenizer.save_pretrained(staged)
    after = _scores(_load(str(staged), recipe, None), recipe, tokenizer, manifest)
    comparison = Comparison(
        n_items=len(before),
        n_same=int((before.argmax(1) == after.argmax(1)).sum()),
        largest_difference=float((before - after).abs().max()),
    )
    write_atomic(staged / COMPARISON, json.dumps(asdict(comparison), indent=1) + "\n")
    manifest.model_copy(update={"form": "merged", **split_hashes(staged)}).write(staged)
    staged.replace(folder / MERGED)
    return comparison


def _merge_into(staged: Path, folder: Path, recipe: Recipe, tokenizer: Any, manifest: TrainingManifest) -> torch.Tensor:
    from peft import PeftModel

    adapted = PeftModel.from_pretrained(_load(base_folder_of(folder), recipe, manifest.base_revision), folder)
    scores = _scores(adapted, recipe, tokenizer, manifest)
    adapted.merge_and_unload().save_pretrained(staged)
    return scores


def _load(location: str, recipe: Recipe, revision: str | None) -> Any:
    model = AutoModelForCausalLM.from_pretrained(
        location, revision=revision, dtype=getattr(torch, recipe.dtype), use_safetensors=True
    )
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


@torch.inference_mode()
def _scores(model: Any, recipe: Recipe, tokenizer: Any, manifest: TrainingManifest) -> torch.Tensor:
    """Return the five letters' log-probabilities on the first 20 held-out items, shape (items, 5).

    The probabilities of an item's five letters sum to 1.
    """
    chosen = set(manifest.test_ids[:_N_COMPARED])
    items = [item for item in items_of(manifest.split) if item.item_id in chosen]
    objective = LetterTraining(recipe, tokenizer)
    examples = objective.encode([display(item, "shuffled") for item in items])
    rows = [objective.option_scores(model, [example], model.device) for example in examples]
    return torch.cat(rows).log_softmax(1).cpu()
