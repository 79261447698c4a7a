"""Read and write the files that declare an embedding model's pooling and text prompts.

Both sentence-transformers and `models.bi_encoder` read these files.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from finetune.base import Base
from recipe_mpr_task.models.bi_encoder import pooling_mode, text_prompts
from recipe_mpr_task.models.checkpoint import Checkpoint, open_checkpoint
from recipe_mpr_task.models.negation import QUERY_FILE

_FILES = ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json")


@dataclass(frozen=True)
class Embedding:
    """How a base model turns a text into one vector.

    Attributes:
        checkpoint: the base model's files.
        pooling: "mean", "cls" or "max". "mean" if the files declare no pooling.
        query_prompt: text to put before each query.
        option_prompt: text to put before each option.
    """

    checkpoint: Checkpoint
    pooling: str
    query_prompt: str
    option_prompt: str

    @classmethod
    def of(cls, base: Base) -> Self:
        """Read the pooling and the prompts from the base model's files.

        Raises:
            CheckpointError: the files declare a pooling or a module that is not supported.
        """
        checkpoint = open_checkpoint(base.location, base.revision)
        return cls(checkpoint, pooling_mode(checkpoint), *text_prompts(checkpoint))


def write_embedding_files(checkpoint: Checkpoint, folder: Path, negation: float = 0.0) -> None:
    """Write the files that declare a trained model's pooling, prompts and negation.

    The pooling and prompt files are copies of the base model's files. If the base model has no `modules.json`, write a
    new `modules.json` and a new pooling file, which declare mean pooling.

    Args:
        checkpoint: the base model.
        folder: the trained model's folder.
        negation: weight of the negated phrase's similarity, as in `models.negation`; 0 writes no file for negation.
    """
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
