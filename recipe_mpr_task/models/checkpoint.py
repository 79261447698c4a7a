"""Find the files of an encoder checkpoint, and check them before the weights are loaded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipe_mpr_task.errors import CheckpointError, ModelArgsError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.loaded_files import sha256_of_loaded
from recipe_mpr_task.models.heads import HEADS, SCORED, TRAINED


@dataclass(frozen=True)
class Checkpoint:
    """A local folder with the config and the safetensors weights of an encoder.

    Attributes:
        name: the path or hub id that the user gave.
        folder: the local folder with the checkpoint's files.
        config: the content of `config.json`.
    """

    name: str
    folder: Path
    config: dict[str, Any]

    @property
    def weight_files(self) -> list[Path]:
        """The paths of the safetensors files, sorted by name."""
        return sorted(self.folder.glob("*.safetensors"))

    def weights_sha256(self) -> str:
        """Return one SHA-256 for all weight files. The checkpoint's name and folder do not change the hash."""
        return sha256_of("".join(map(sha256_of_loaded, self.weight_files)).encode())

    @property
    def labels(self) -> list[tuple[int, str]]:
        """The (number, name) pairs in the config's `id2label` and `label2id`, sorted."""
        names, numbers = (self.config.get(key) for key in ("id2label", "label2id"))
        pairs = list(names.items()) if isinstance(names, dict) else []
        pairs += [(number, name) for name, number in numbers.items()] if isinstance(numbers, dict) else []
        return sorted({(int(number), str(name)) for number, name in pairs if str(number).isdecimal()})

    def label_numbers(self, prefix: str) -> list[int]:
        """Return the numbers of the labels whose names begin with `prefix`, ignoring case, sorted."""
        return sorted({number for number, name in self.labels if name.strip().casefold().startswith(prefix)})

    def read_json(self, relative: str) -> Any:
        """Return the content of a JSON file, or None if the file does not exist.

        Args:
            relative: the file's path, relative to the checkpoint's folder.

        Raises:
            CheckpointError: the file is not JSON.
        """
        path = self.folder / relative
        if not path.is_file():
            return None
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise CheckpointError(
                f"{self.name}: {relative} is not valid JSON ({error}); correct or replace the file"
            ) from None


def open_checkpoint(pretrained: str, revision: str | None = None) -> Checkpoint:
    """Open a local or remote checkpoint, and check that it has a config and safetensors weights.

    Args:
        pretrained: a local folder or a hub id. For a hub id, config, tokenizer and safetensors files are downloaded.
        revision: branch, tag or commit of a hub id; None for the default branch.

    Raises:
        ModelArgsError: `pretrained` is empty.
        CheckpointError: the checkpoint does not exist, or has no config or no safetensors weights.
    """
    if not pretrained:
        raise ModelArgsError("pretrained is missing; give a checkpoint folder or hub id: pretrained=PATH")
    looks_local = pretrained.startswith((".", "/", "~")) or pretrained.count("/") > 1
    folder = Path(pretrained).expanduser()
    if not folder.is_dir():
        if looks_local:
            raise CheckpointError(f"pretrained={pretrained}: no such folder; working folder {Path.cwd()}")
        folder = _download(pretrained, revision)
    checkpoint = Checkpoint(pretrained, folder, {})
    config = checkpoint.read_json("config.json")
    if not isinstance(config, dict):
        raise CheckpointError(f"pretrained={pretrained}: no config.json; expected a transformers checkpoint folder")
    if not checkpoint.weight_files:
        others = ", ".join(sorted(p.name for p in folder.glob("*.bin"))) or "none"
        raise CheckpointError(
            f"pretrained={pretrained}: no *.safetensors weights (other weights: {others}); convert to safetensors"
        )
    return Checkpoint(pretrained, folder, config)


def _download(repo_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model"]
    try:
        return Path(snapshot_download(repo_id, revision=revision, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"pretrained={repo_id}: no such folder in {Path.cwd()}, and not available from the hub "
            f"({type(error).__name__}); correct the name, or go online"
        ) from None


def detect_head(checkpoint: Checkpoint) -> str:
    """Return the head that the checkpoint's files declare, one of `heads.SCORED`.

    Raises:
        CheckpointError: the files declare no head, or the model is causal.
    """
    # Check modules.json first, because the config of an embedding model often names the pretraining architecture.
    for name in SCORED:
        if _has_module(checkpoint, HEADS[name].module):
            return name
    refuse_causal(checkpoint)
    architectures = _architectures(checkpoint)
    for architecture in architectures:
        for name in SCORED:
            if architecture.endswith(HEADS[name].architectures) and _has_label(checkpoint, HEADS[name].label_prefix):
                return name
    raise CheckpointError(
        f"{checkpoint.name}: its files declare no supported head (architectures: "
        f"{', '.join(architectures) or 'none'}; no sentence-transformers modules.json with a Pooling); "
        f"allowed: head={', '.join(SCORED)}; for an encoder without a head, use head=bi_encoder (mean pooling)"
    )


def refuse_causal(checkpoint: Checkpoint) -> None:
    """Raise an error if a checkpoint is a causal model and not a sentence-transformers embedding model.

    Raises:
        CheckpointError: the model is causal.
    """
    for architecture in _architectures(checkpoint):
        if architecture.endswith(HEADS["causal"].architectures) and not _embeds(checkpoint):
            raise CheckpointError(
                f"{checkpoint.name} is a {architecture}, not an encoder; score it with --model hf, or train it with "
                "head=causal"
            )


def refuse_encoder(checkpoint: Checkpoint) -> None:
    """Raise an error if a checkpoint declares architectures but no causal one.

    Raises:
        CheckpointError: the model is not causal.
    """
    architectures = _architectures(checkpoint)
    if architectures and not any(name.endswith(HEADS["causal"].architectures) for name in architectures):
        encoders = [name for name in TRAINED if not HEADS[name].is_causal]
        raise CheckpointError(
            f"{checkpoint.name} is a {architectures[0]}, not a causal model; train it with a recipe with "
            f"head={', '.join(encoders[:-1])} or {encoders[-1]}"
        )


def _architectures(checkpoint: Checkpoint) -> list[str]:
    return [str(name) for name in checkpoint.config.get("architectures") or []]


def _embeds(checkpoint: Checkpoint) -> bool:
    return any(_has_module(checkpoint, HEADS[name].module) for name in SCORED)


def _has_label(checkpoint: Checkpoint, prefix: str | None) -> bool:
    """Return whether there are several labels and one begins with `prefix`. True if `prefix` is None."""
    return not prefix or (len(checkpoint.label_numbers("")) > 1 and bool(checkpoint.label_numbers(prefix)))


def _has_module(checkpoint: Checkpoint, part: str | None) -> bool:
    """Return whether an entry of the checkpoint's modules.json contains the text `part`. False if `part` is None."""
    modules = checkpoint.read_json("modules.json") if part else None
    return isinstance(modules, list) and any(str(part) in str(module) for module in modules)
