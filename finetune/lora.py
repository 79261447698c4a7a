"""Add low-rank adapters to a base model, and count parameters without loading weights."""

import warnings
from collections.abc import Sequence
from typing import Any

from finetune.base import config_of
from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task.models.heads import HEADS


def with_adapter(model: Any, recipe: Recipe) -> Any:
    """Return the model with the recipe's LoRA adapter, the only part that trains; the model itself if there is none.

    Raises:
        RecipeError: the model lacks a target module.
    """
    from peft import LoraConfig, get_peft_model

    settings = recipe.lora
    if settings is None:
        return model
    check_targets(model, settings.target_modules)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        bias=settings.bias,
        target_modules=list(settings.target_modules),
    )
    with warnings.catch_warnings():  # peft 0.21 uses a name that transformers 5.23 renamed
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def check_targets(model: Any, targets: Sequence[str]) -> None:
    """Raise RecipeError if the model lacks a target module, which peft would ignore silently."""
    import torch

    linear = {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    missing = sorted(set(targets) - linear)
    if missing:
        raise RecipeError(
            f"lora.target_modules: {', '.join(missing)} not in {type(model).__name__}; "
            f"allowed: {', '.join(sorted(linear))}"
        )


def on_meta_device(recipe: Recipe, *, offline: bool = False) -> Any:
    """Return the adapted model without weights, to check its modules and count its parameters.

    Raises:
        RecipeError: the model has no config, or it lacks a target module.
    """
    import torch

    with torch.device("meta"):
        model = HEADS[recipe.head].transformers_class().from_config(config_of(recipe, offline=offline))
        return with_adapter(model, recipe)


def parameter_counts(model: Any) -> tuple[int, int]:
    """Return (trainable, total) numbers of parameters, adapter included."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)


def quantizable(model: Any) -> int:
    """Return the number of frozen parameters that 4-bit loading packs: linear layers except the output head."""
    import torch

    head = model.get_output_embeddings()
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m is not head]
    return sum(p.numel() for m in linear for p in m.parameters() if not p.requires_grad)
