"""Estimate a recipe's parameters, steps and memory from the model's config, without loading weights."""

from dataclasses import dataclass
from typing import Any

from finetune.base import config_of
from finetune.lora import on_meta_device, parameter_counts, quantizable
from finetune.outputs import recipe_text
from finetune.recipe import Recipe
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.splits import parts_of

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_FOUR_BIT = 0.55
"""Bytes per 4-bit parameter, including the scales of double quantisation (QLoRA, arXiv 2305.14314, section 3)."""

_ADAM = 4 + 4 + 8
"""Bytes per trained float32 parameter: 4 for the parameter, 4 for its gradient, 8 for AdamW's two moments."""

_TOKENS_AN_ITEM = 115
"""Mean number of Qwen3 tokens in a prompt. Only the memory estimate uses this number."""


@dataclass(frozen=True)
class Memory:
    """Estimated memory of a training run on one device, in bytes.

    Attributes:
        weights: frozen weights.
        trained: trained weights, their gradients and the optimizer's state.
        activations: activations that are kept for the backward pass.
        logits: the output head's logits; 0 for an encoder.
    """

    weights: int
    trained: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        """The sum of the four parts, in bytes."""
        return self.weights + self.trained + self.activations + self.logits


def estimate_memory(recipe: Recipe, config: Any, trainable: int, total: int, quantized: int = 0) -> Memory:
    """Return the estimated memory of a run on one device.

    Activations in 16 bits need 34 bytes per token, layer and hidden unit (Korthikanti et al., arXiv 2205.05198). With
    gradient checkpointing, each layer keeps only 2 bytes per token and hidden unit. The layer that is being recomputed
    needs another 34 bytes. Attention scores need no memory, because scaled-dot-product kernels do not store them.
    Logits are counted three times: in the run's dtype, as a float32 copy, and as the gradient of the copy.

    Args:
        recipe: the run's settings.
        config: the base model's transformers config.
        trainable: number of trained parameters.
        total: number of all parameters.
        quantized: number of parameters stored in 4 bits.
    """
    size = _BYTES[recipe.dtype]
    width = recipe.max_length if recipe.pad_to == "max_length" else _TOKENS_AN_ITEM
    causal = HEADS[recipe.head].is_causal
    width *= 1 if causal else N_OPTIONS
    items = min(recipe.effective_batch, recipe.max_batch_items or recipe.effective_batch)
    tokens = max(min(items * width, recipe.max_batch_tokens), width)
    layers, hidden = config.num_hidden_layers, config.hidden_size
    kept = 2 * layers + 34 if recipe.gradient_checkpointing else 34 * layers
    positions = tokens if recipe.loss == "text" else tokens // width
    vocabulary = config.vocab_size if causal else 0
    return Memory(
        weights=int(quantized * _FOUR_BIT + (total - trainable - quantized) * size),
        trained=trainable * _ADAM,
        activations=int(kept * tokens * hidden * size / 2),
        logits=positions * vocabulary * (size + 4 + 4),
    )


def report(recipe: Recipe) -> str:
    """Return the text that `--dry-run` prints: settings, items, steps, parameters and estimated memory.

    Raises:
        RecipeError, CheckpointError: the model is not found, does not fit the head, or lacks a target module.
    """
    config = config_of(recipe, offline=True)
    model = on_meta_device(recipe, offline=True)
    trainable, total = parameter_counts(model)
    quantized = quantizable(model) if recipe.quantization == "4bit" else 0
    memory = estimate_memory(recipe, config, trainable, total, quantized)
    runs = recipe.folds()
    parts = parts_of(runs[0].split)
    n_validated = 0 if recipe.refit else len(parts.validation)
    n_trained = len(parts.train) + len(parts.validation) - n_validated
    # `steps` is too low if repeat_negated > 1, because the items' query types are not loaded here.
    steps = -(-n_trained // recipe.effective_batch) * recipe.epochs

    def gib(n: int) -> str:
        return f"{n / 2**30:.1f} GiB"

    return "\n".join(
        [
            recipe_text(recipe).rstrip(),
            "",
            f"runs: {len(runs)} ({', '.join(run.split for run in runs)})",
            f"items: {n_trained} for training, {n_validated} for validation, {len(parts.test)} held out",
            f"optimizer steps: {steps}" + (" per run" if len(runs) > 1 else ""),
            f"trainable parameters: {trainable}",
            f"total parameters: {total}",
            f"trainable share: {100 * trainable / total:.2f}%",
            f"estimated memory on one device: {gib(memory.total)} (frozen weights {gib(memory.weights)}, "
            f"trained weights and optimizer {gib(memory.trained)}, activations {gib(memory.activations)}, "
            f"logits {gib(memory.logits)})",
        ]
    )
