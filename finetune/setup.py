"""Assembles transformers' Trainer for a recipe, and writes what it leaves. Imports torch; `run` does not."""

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, TrainingArguments, set_seed

from finetune.aspects import load_aspects
from finetune.base import Base, auto_class
from finetune.causal import LetterTraining
from finetune.checkpoints import CHECKPOINTS
from finetune.embedding_files import embedding_details, write_embedding_files
from finetune.encoders import TRAINING
from finetune.lora import with_adapter
from finetune.outputs import card_text, move_into_place, write_curves
from finetune.progress import Progress, Spent
from finetune.recipe import Recipe, RecipeError
from finetune.step_trainer import SELECTION_METRIC, StepTrainer
from finetune.steps import EpochSteps
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.item import Item
from recipe_mpr_task.manifest import TrainingManifest, split_hashes
from recipe_mpr_task.orders import display

_STAGING = ".finishing"


def arguments_for(recipe: Recipe, n_steps: int) -> TrainingArguments:
    """Return Trainer's arguments; making them joins the process group, if there is one.

    Args:
        recipe: the run.
        n_steps: optimizer steps in all.
    """
    warmup_steps = recipe.warmup_steps or math.ceil(recipe.warmup_ratio * n_steps)
    on_gpu = torch.cuda.is_available()
    # The pooler on top of BERT is no part of an embedding and gets no gradient.
    unused = recipe.head == "bi_encoder"
    return TrainingArguments(
        output_dir=str(Path(recipe.out) / CHECKPOINTS),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.effective_batch,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=warmup_steps,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused" if on_gpu else "adamw_torch",
        bf16=recipe.dtype == "bfloat16",
        fp16=recipe.dtype == "float16",
        use_cpu=not on_gpu,
        ddp_backend=("nccl" if on_gpu else "gloo") if "WORLD_SIZE" in os.environ else None,
        ddp_find_unused_parameters=unused,
        seed=recipe.seed,
        full_determinism=recipe.deterministic,
        logging_strategy="steps",
        logging_steps=recipe.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="no" if recipe.refit else "epoch",
        # Whole epochs only: a resumed run then deals out exactly the batches of an uninterrupted one.
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=recipe.select == "best",
        metric_for_best_model=SELECTION_METRIC,
        greater_is_better=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
    )


def build_trainer(
    recipe: Recipe, data: Any, base: Base, arguments: TrainingArguments, before: Spent
) -> tuple[StepTrainer, Progress]:
    """Load the base model, put the adapter on it, and make the trainer.

    Args:
        recipe: the run.
        data: its items, see `run.TrainingData`.
        base: the base model.
        arguments: see `arguments_for`.
        before: what earlier parts of a resumed run took.
    """
    set_seed(recipe.seed)
    model = with_adapter(load_base(recipe, base), recipe)
    objective = _objective(recipe, base, data.train)
    first = arguments.process_index == 0
    progress = Progress(f"{recipe.name} {recipe.split}", len(data.train), before=before, first=first)
    trainer = StepTrainer(
        model=model,
        args=arguments,
        steps=EpochSteps(data.train, recipe, objective.encode),
        objective=objective,
        validation=objective.encode([display(item, "shuffled") for item in data.validation]),
        max_tokens=recipe.max_batch_tokens,
        max_items=recipe.max_batch_items,
        callbacks=[progress],
    )
    trainer.remove_callback(_printer())
    return trainer, progress


def _objective(recipe: Recipe, base: Base, train: Sequence[Item]) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(base.location, revision=base.revision)
    if recipe.head == "causal":
        return LetterTraining(recipe, tokenizer)
    details = embedding_details(base) if recipe.head == "bi_encoder" else {}
    if recipe.aspects:
        details["aspects"] = load_aspects(train)
    return TRAINING[recipe.head](recipe, tokenizer, **details)


def _printer() -> Any:
    from transformers import PrinterCallback

    return PrinterCallback  # our own progress bar shows the same


def load_base(recipe: Recipe, base: Base) -> Any:
    """Load the base model's weights from safetensors.

    Raises:
        RecipeError: they cannot be loaded.
    """
    more: dict[str, Any] = {}
    if recipe.quantization == "4bit":
        from transformers import BitsAndBytesConfig

        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, recipe.dtype),
        )
    if recipe.head == "cross_encoder":
        more["num_labels"] = 1
    # Weights that all train stay in float32; autocast computes in the recipe's dtype.
    dtype = getattr(torch, recipe.dtype) if recipe.lora else torch.float32
    try:
        with _heads_may_be_new():
            model = auto_class(recipe.head).from_pretrained(
                base.location,
                revision=base.revision,
                dtype=dtype,
                attn_implementation=recipe.attention,
                use_safetensors=True,
                **more,
            )
    except (OSError, ValueError, ImportError) as error:
        raise RecipeError(f"model={recipe.model} cannot be loaded: {error}") from None
    if recipe.quantization == "4bit":
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=recipe.gradient_checkpointing)
    elif recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if recipe.head == "causal":
        model.config.use_cache = False
    return model


@contextmanager
def _heads_may_be_new() -> Iterator[None]:
    """Silence transformers' report of missing weights: a head that is to be trained is missing by nature."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def finish(trainer: StepTrainer, base: Base, fields: dict[str, Any], out: Path) -> TrainingManifest:
    """Write weights, tokenizer, card, curves and, last, the manifest.

    Args:
        trainer: after training, the selected weights loaded.
        base: what was trained from.
        fields: of the manifest, see `run.manifest_of`.
        out: where to.

    Returns:
        The manifest.
    """
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped) if trainer.is_fsdp_enabled else None
    staged = out / _STAGING
    if trainer.args.process_index == 0:
        shutil.rmtree(staged, ignore_errors=True)
        adapter = {"save_embedding_layers": False} if fields["form"] == "adapter" else {}
        trainer.model.save_pretrained(staged, state_dict=state, **adapter)
        if fields["head"] == "bi_encoder":
            write_embedding_files(base, staged, trainer.objective.recipe.negation)
        trainer.objective.tokenizer.save_pretrained(staged)
        manifest = TrainingManifest(**fields | split_hashes(staged))
        write_atomic(staged / "README.md", card_text(manifest, f"recipe-mpr finetune {manifest.recipe_name}"))
        write_curves(staged, manifest)
        move_into_place(staged, out)
        manifest.write(out)
    trainer.accelerator.wait_for_everyone()
    if trainer.args.process_index:
        from recipe_mpr_task.manifest import read_manifest

        manifest = read_manifest(out)  # type: ignore[assignment]
    return manifest
