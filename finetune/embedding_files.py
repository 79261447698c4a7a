"""The files by which sentence-transformers, and our adapter, know how an embedding model pools and prompts."""

import json
import shutil
from pathlib import Path

from finetune.base import Base
from recipe_mpr_task.models.bi_encoder import pooling_mode, text_prompts
from recipe_mpr_task.models.checkpoint import Checkpoint, open_checkpoint
from recipe_mpr_task.models.negation import QUERY_FILE

_FILES = ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json")


def embedding_details(base: Base) -> dict[str, object]:
    """Return how a base model pools and prompts, as its own files say; mean pooling if they say nothing."""
    checkpoint = _checkpoint(base)
    return {"pooling": pooling_mode(checkpoint), "prompts": text_prompts(checkpoint)}


def write_embedding_files(base: Base, folder: Path, negation: float = 0.0) -> None:
    """Write into a trained model's folder how it pools: the base's own files, or minimal ones where it has none.

    Args:
        base: the base model.
        folder: of the trained one.
        negation: see `models.negation`.
    """
    checkpoint = _checkpoint(base)
    if negation:
        (folder / QUERY_FILE).write_text(json.dumps({"negation": negation}) + "\n")
    for name in _FILES:
        source = checkpoint.folder / name
        if source.is_file():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, folder / name)
    if (folder / "modules.json").is_file():
        return
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": checkpoint.config.get("hidden_size"), "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling, indent=2) + "\n")


def _checkpoint(base: Base) -> Checkpoint:
    return open_checkpoint(base.location, base.revision)
