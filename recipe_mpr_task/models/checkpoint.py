"""An encoder checkpoint: found, checked and read before any weight is loaded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipe_mpr_task.errors import CheckpointError, ModelArgsError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.loaded_files import sha256_of_loaded

_ARCHITECTURE_HEADS = {
    "ForMultipleChoice": "multiple_choice",
    "ForSequenceClassification": "cross_encoder",
    "ForMaskedLM": "masked_lm",
}
_GENERATIVE = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


@dataclass(frozen=True)
class Checkpoint:
    """A local folder with an encoder's config and safetensors weights.

    Attributes:
        name: what the user asked for, a path or hub id.
        folder: where it lies.
        config: its parsed `config.json`.
    """

    name: str
    folder: Path
    config: dict[str, Any]

    @property
    def weight_files(self) -> list[Path]:
        """The safetensors files, sorted by name."""
        return sorted(self.folder.glob("*.safetensors"))

    def weights_sha256(self) -> str:
        """Hash of the weights: the same checkpoint under another name stays the same model."""
        return sha256_of("".join(map(sha256_of_loaded, self.weight_files)).encode())

    def read_json(self, relative: str) -> Any:
        """Return a JSON file of the folder, or None if there is none.

        Raises:
            CheckpointError: the file is not JSON.
        """
        path = self.folder / relative
        if not path.is_file():
            return None
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise CheckpointError(f"{self.name}: {relative} is not valid JSON: {error}") from None


def open_checkpoint(pretrained: str, revision: str | None = None) -> Checkpoint:
    """Find a checkpoint and check that it holds what an encoder needs.

    Args:
        pretrained: a folder, or a hub id, which is downloaded (config, tokenizer, safetensors only).
        revision: of a hub id.

    Raises:
        CheckpointError: no such folder or hub id, no config, no safetensors weights, a causal model.
    """
    if not pretrained:
        raise ModelArgsError("pretrained is missing; give a checkpoint folder or hub id: pretrained=PATH")
    looks_local = pretrained.startswith((".", "/", "~")) or pretrained.count("/") > 1
    folder = Path(pretrained).expanduser()
    if not folder.is_dir():
        if looks_local:
            raise CheckpointError(f"pretrained={pretrained}: no such folder")
        folder = _download(pretrained, revision)
    checkpoint = Checkpoint(pretrained, folder, {})
    config = checkpoint.read_json("config.json")
    if not isinstance(config, dict):
        raise CheckpointError(f"pretrained={pretrained}: no config.json; expected a transformers checkpoint folder")
    if not checkpoint.weight_files:
        found = ", ".join(sorted(p.name for p in folder.glob("*.bin"))) or "none"
        raise CheckpointError(
            f"pretrained={pretrained}: no *.safetensors weights (other weights: {found}); only safetensors is loaded"
        )
    return Checkpoint(pretrained, folder, config)


def _download(repo_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model"]
    try:
        return Path(snapshot_download(repo_id, revision=revision, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"pretrained={repo_id}: no such folder, and not to be had from the hub ({type(error).__name__}); "
            f"working folder {Path.cwd()}"
        ) from None


def detect_head(checkpoint: Checkpoint) -> str:
    """Tell from the checkpoint's own files how it scores: a name of `encoder.HEADS`.

    Raises:
        CheckpointError: it says nothing of a head, or is a causal model.
    """
    architectures = _architectures(checkpoint)
    # Before the architecture: embedding models are often saved under the class they were pretrained as.
    if _has_pooling(checkpoint):
        return "bi_encoder"
    refuse_causal(checkpoint)
    for architecture in architectures:
        for ending, head in _ARCHITECTURE_HEADS.items():
            if architecture.endswith(ending):
                return head
    raise CheckpointError(
        f"{checkpoint.name}: its files name no head that this adapter scores (architectures: "
        f"{', '.join(architectures) or 'none'}; no sentence-transformers modules.json with a Pooling); "
        "a bare encoder can be run as head=bi_encoder (mean pooling)"
    )


def refuse_causal(checkpoint: Checkpoint) -> None:
    """Refuse a model that predicts the next token, unless its files make it an embedding model.

    Raises:
        CheckpointError: it is one.
    """
    for architecture in _architectures(checkpoint):
        if architecture.endswith(_GENERATIVE) and not _has_pooling(checkpoint):
            raise CheckpointError(
                f"{checkpoint.name} is a {architecture}, no encoder; score it by --model hf, train by head=causal"
            )


def refuse_encoder(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint whose own files name a class that generates no text.

    Raises:
        CheckpointError: it is one.
    """
    found = _architectures(checkpoint)
    if found and not any(architecture.endswith(_GENERATIVE) for architecture in found):
        raise CheckpointError(
            f"{checkpoint.name} is a {found[0]}, no causal model; train it by a recipe with head=bi_encoder, "
            "cross_encoder or multiple_choice"
        )


def _architectures(checkpoint: Checkpoint) -> list[str]:
    return [str(name) for name in checkpoint.config.get("architectures") or []]


def _has_pooling(checkpoint: Checkpoint) -> bool:
    modules = checkpoint.read_json("modules.json")
    return isinstance(modules, list) and any("Pooling" in str(module) for module in modules)
