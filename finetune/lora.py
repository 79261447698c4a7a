"""Add low-rank adapters (LoRA) to a base model, and count parameters without loading weights."""

import warnings
from collections.abc import Sequence
from typing import Any

from finetune.base import config_of
from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task.models.heads import HEADS


def with_adapter(model: Any, recipe: Recipe) -> Any:
    """Add the recipe's LoRA adapter to a model, and return the model. Without LoRA settings, the model is unchanged.

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
    # Hide the warning that peft 0.21 uses a deprecated transformers name, because users can do nothing about it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def check_targets(model: Any, targets: Sequence[str]) -> None:
    """Check that the model has all target modules, because peft silently ignores a missing module.

    Args:
        model: the base model.
        targets: names of linear layers, such as "q_proj".

    Raises:
        RecipeError: the model lacks a target module.
    """
    import torch

    linear = {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    missing = sorted(set(targets) - linear)
    if missing:
        raise RecipeError(
            f"lora.target_modules: {', '.join(missing)} not in {type(model).__name__}; "
            f"allowed: {', '.join(sorted(linear))}"
        )


def on_meta_device(recipe: Recipe, *, offline: bool = False) -> Any:
    """Return the model and its adapter without weights, to check the modules and count the parameters.

    Args:
        recipe: the run's settings.
        offline: True reads a hub model's config from the recipe's `architecture`. If the recipe has no `architecture`,
            the config still comes from the hub.

    Raises:
        RecipeError, CheckpointError: the model is not found, does not fit the head, or lacks a target module.
    """
    import torch

    with torch.device("meta"):
        model = HEADS[recipe.head].transformers_class().from_config(config_of(recipe, offline=offline))
        return with_adapter(model, recipe)


def parameter_counts(model: Any) -> tuple[int, int]:
    """Return the number of trainable parameters and the number of all parameters. Both include the adapter."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)


def quantizable(model: Any) -> int:
    """Return how many parameters load in 4 bits: the frozen parameters of all linear layers except the output head."""
    import torch

    head = model.get_output_embeddings()
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m is not head]
    return sum(p.numel() for m in linear for p in m.parameters() if not p.requires_grad)
