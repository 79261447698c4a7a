"""Create the items, the tokenizers and the models with random weights for the measurements."""

import dataclasses
import gc
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.results import NotAvailableError, Setting
from benchmarks.gpu.shapes import Shape
from finetune.base import Base, architecture
from finetune.random_base import build_tokenizer, build_word_pieces
from recipe_mpr_task.data import DATA_VARIABLE, load_items, load_sample, local_source
from recipe_mpr_task.item import Item
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render
from recipe_mpr_task.task import record_of

_VOCABULARY = 32_000
"""Largest vocabulary of a tokenizer trained on the items. The items are too few for a larger vocabulary."""

_SHIFT = 7


class Bench:
    """The items, tokenizers and models of one worker process. Each is created at its first use.

    Args:
        shape: the sizes to measure.
        device: "cuda" or "cpu".
        folder: an existing folder for tokenizers and encoders.
        tokenizer: folder of the causal model's tokenizer; None trains one on the items.
    """

    def __init__(self, shape: Shape, device: str, folder: Path, tokenizer: str | None = None) -> None:
        self.shape, self.device, self.folder = shape, torch.device(device), folder
        self._named_tokenizer = tokenizer
        self._model: Any = None

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The shape's number of items, from the dataset or made from the embedded sample."""
        source = load_items() if local_source() else load_sample()
        return repeated(source, self.shape.n_items)

    @cached_property
    def prompts(self) -> list[str]:
        """The items' prompts, with the options in the order that evaluation uses."""
        return [render("default", record_of(display(item, "shuffled"))) for item in self.items]

    @cached_property
    def tokenizer(self) -> Any:
        """The causal model's tokenizer, saved in `causal_folder`."""
        from transformers import AutoTokenizer

        if self._named_tokenizer:
            made = AutoTokenizer.from_pretrained(self._named_tokenizer)
        else:
            made = build_tokenizer(min(_VOCABULARY, architecture(self.shape.causal)["vocab_size"]), self.prompts)
        made.save_pretrained(self.causal_folder)
        return made

    @property
    def causal_folder(self) -> Path:
        """Folder of the causal model's tokenizer. The model itself is never written."""
        return self.folder / "causal"

    def causal_base(self, attention: str) -> Base:
        """Return the causal model with random weights on the device, as a base for training.

        Args:
            attention: name of the attention implementation.

        Raises:
            NotAvailableError: the attention implementation is not installed.
        """
        if attention == "flash_attention_2" and not (find_spec("flash_attn") and self.device.type == "cuda"):
            raise NotAvailableError("not measured: the package flash-attn and a GPU are needed")
        if self._model is None:
            self._model = self._build_causal()
        self._model.set_attn_implementation(attention)
        return Base(f"random:{self.shape.causal}", str(self.causal_folder), None, {}, is_random=True, model=self._model)

    def settings(self, base: Base) -> list[str]:
        """Return the overrides that make a recipe train `base` in the benchmark's folder."""
        return [f"model={base.location}", f"out={self.folder / 'out'}", f"dtype={self.shape.dtype}"]

    def _build_causal(self) -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM

        config = AutoConfig.for_model(**architecture(self.shape.causal))
        config.vocab_size = max(config.vocab_size, len(self.tokenizer))
        config.pad_token_id = self.tokenizer.pad_token_id
        dtype = getattr(torch, self.shape.dtype)
        torch.manual_seed(0)
        with self.device:
            return AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")

    def keep(self, model: Any) -> None:
        """Keep `model`, without an adapter, for the next step. If `model` is None, the next step builds a new model."""
        self._model = model

    def clean(self) -> None:
        """Free the memory of the previous step. Call this method between steps."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @cached_property
    def encoder_folder(self) -> Path:
        """Folder of an encoder with a multiple-choice head and random float32 weights, and of its tokenizer."""
        from transformers import AutoConfig, AutoModelForMultipleChoice

        config = AutoConfig.for_model(**architecture(self.shape.encoder))
        texts = [text for item in self.items for text in (item.query, *(option.text for option in item.options))]
        folder = self.folder / "encoder"
        tokenizer = build_word_pieces(config.vocab_size, config, texts)
        tokenizer.save_pretrained(folder)
        config.pad_token_id = tokenizer.pad_token_id
        torch.manual_seed(0)
        with self.device:
            AutoModelForMultipleChoice.from_config(config).save_pretrained(folder)
        return folder

    def _hardware(self) -> str:
        from recipe_mpr_task.cost import hardware

        used = hardware(str(self.device))
        if self.device.type == "cpu":
            return str(used)
        memory = torch.cuda.get_device_properties(self.device).total_memory
        return f"{used.device}, {memory / 2**30:.0f} GiB; CPU: {used.cpu}"

    def setting(self) -> Setting:
        """Return the hardware, the versions, the models and the items."""
        n_parameters = self.causal_base("sdpa").model.num_parameters()
        source = f"from the dataset ({DATA_VARIABLE})" if local_source() else "made from the sample's texts"
        lengths = [len(ids) for ids in self.tokenizer(self.prompts)["input_ids"]]
        versions = [f"{name} {version(name)}" for name in ("torch", "transformers", "peft", "lm-eval")]
        versions.append(f"flash-attn {version('flash-attn')}" if find_spec("flash_attn") else "no flash-attn")
        versions.append(f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA")
        trained = f"a BPE tokenizer of {len(self.tokenizer):,} tokens, trained on the items"
        named = self._named_tokenizer and f"the tokenizer {Path(self._named_tokenizer).name}"
        return Setting(
            hardware=self._hardware(),
            versions=", ".join(versions),
            models=f"{self.shape.causal} ({n_parameters:,} parameters, {self.shape.dtype}) and {self.shape.encoder}; "
            f"random weights; backend of torch.compile: {self.shape.compiler}",
            items=f"{len(self.items)} {source}",
            tokens=f"{sum(lengths) / len(lengths):.1f} per prompt, with {named or trained}",
        )


def repeated(items: tuple[Item, ...], n: int) -> tuple[Item, ...]:
    """Return `n` items with distinct prompts. If `n` exceeds the number of items, combine queries with other options.

    lm-eval scores equal prompts only once, so equal prompts would make the measured speed too high.

    Args:
        items: distinct items.
        n: number of items to return, at most the squared number of `items`.
    """
    made = []
    for k in range(n):
        turn, i = divmod(k, len(items))
        query = items[(i + turn * _SHIFT) % len(items)].query
        made.append(items[i] if not turn else dataclasses.replace(items[i], query=query))
    return tuple(made)
