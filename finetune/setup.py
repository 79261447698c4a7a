"""Assemble transformers' Trainer for a recipe, and write a finished run's files.

Importing this module imports torch, so `run` imports this module only when training begins.
"""

import math
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, TrainingArguments, set_seed
from transformers.integrations import TensorBoardCallback

from finetune.base import Base
from finetune.checkpoints import CHECKPOINTS
from finetune.data import TrainingData
from finetune.kept import write_kept
from finetune.lora import with_adapter
from finetune.objective import objective_for
from finetune.outputs import card_text, move_into_place, write_curves
from finetune.progress import Progress, Spent
from finetune.recipe import Recipe, RecipeError
from finetune.step_trainer import SELECTION_METRIC, StepTrainer, TrainingError
from finetune.steps import EpochSteps
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.manifest import TrainingManifest, read_manifest, split_hashes
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.orders import display

TENSORBOARD = "tensorboard"
"""Folder of TensorBoard's logs in a run's folder, unless TENSORBOARD_LOGGING_DIR names another."""

_STAGING = ".finishing"


def arguments_for(recipe: Recipe, n_steps: int) -> TrainingArguments:
    """Return the arguments of transformers' Trainer. In a distributed run, this call joins the process group.

    Args:
        recipe: the run's settings.
        n_steps: number of optimizer steps in the whole run.
    """
    warmup_steps = recipe.warmup_steps or math.ceil(recipe.warmup_ratio * n_steps)
    on_gpu = torch.cuda.is_available()
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
        ddp_find_unused_parameters=bool(HEADS[recipe.head].unused_weights),
        seed=recipe.seed,
        full_determinism=recipe.deterministic,
        logging_strategy="steps",
        logging_steps=recipe.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="no" if recipe.refit else "epoch",
        # Save only after whole epochs, so that a resumed run has exactly the steps of an uninterrupted run.
        save_strategy="epoch",
        save_total_limit=None if recipe.keep_checkpoints else 2,
        load_best_model_at_end=recipe.select == "best",
        metric_for_best_model=SELECTION_METRIC,
        greater_is_better=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=list(recipe.report_to) or "none",
        run_name=f"{recipe.name} {recipe.split} seed {recipe.seed}",
    )


def build_trainer(
    recipe: Recipe, data: TrainingData, base: Base, arguments: TrainingArguments, before: Spent
) -> StepTrainer[Any]:
    """Load the base model, add the adapter, and return the run's trainer.

    Args:
        recipe: the run's settings.
        data: the run's items.
        base: the base model.
        arguments: the return value of `arguments_for`.
        before: cost of the earlier parts of a resumed run; zero for a new run.
    """
    set_seed(recipe.seed)
    model = with_adapter(load_base(recipe, base), recipe)
    objective = objective_for(recipe, base, data.train)
    progress = Progress(
        f"{recipe.name} {recipe.split}",
        len(data.train),
        before=before,
        first=arguments.process_index == 0,
        n_devices=max(1, arguments.n_gpu) * arguments.world_size,
    )
    trainer: StepTrainer[Any] = StepTrainer(
        model=model,
        args=arguments,
        steps=EpochSteps(data.train, recipe, objective.encode),
        objective=objective,
        validation=objective.encode([display(item, "shuffled") for item in data.validation]),
        progress=progress,
    )
    trainer.remove_callback(PrinterCallback)  # the progress bar shows the same values
    for callback in trainer.callback_handler.callbacks:
        # By default, TensorBoard logs into the checkpoints' folder, which is removed after training.
        if isinstance(callback, TensorBoardCallback) and callback.logging_dir is None:
            callback.logging_dir = str(Path(recipe.out) / TENSORBOARD)
    return trainer


def close_trackers(recipe: Recipe) -> None:
    """End the tracker runs that transformers leaves open. Otherwise, the next fold would log into the same run."""
    for name in {"wandb", "swanlab"} & {*recipe.report_to}:
        module = sys.modules.get(name)
        if module is not None and getattr(module, "run", True):
            module.finish()


def load_base(recipe: Recipe, base: Base) -> Any:
    """Return the base model, ready for training. Load it from safetensors files, unless it is in memory.

    Raises:
        RecipeError: the weights cannot be loaded.
    """
    model = base.model if base.model is not None else _loaded(recipe, base)
    if recipe.quantization == "4bit":
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=recipe.gradient_checkpointing)
    elif recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if HEADS[recipe.head].is_causal:
        model.config.use_cache = False
    return model


def _loaded(recipe: Recipe, base: Base) -> Any:
    head = HEADS[recipe.head]
    more: dict[str, Any] = {"num_labels": head.num_labels} if head.num_labels else {}
    if recipe.quantization == "4bit":
        from transformers import BitsAndBytesConfig

        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, recipe.dtype),
        )
    # Without LoRA, all weights are trained and stay in float32. Autocast computes in the recipe's dtype.
    dtype = getattr(torch, recipe.dtype) if recipe.lora else torch.float32
    try:
        with _heads_may_be_new():
            return head.transformers_class().from_pretrained(
                base.location,
                revision=base.revision,
                dtype=dtype,
                attn_implementation=None if recipe.attention == "auto" else recipe.attention,
                use_safetensors=True,
                **more,
            )
    except (OSError, ValueError, ImportError) as error:
        raise RecipeError(f"model={recipe.model} cannot be loaded: {error}") from None


@contextmanager
def _heads_may_be_new() -> Iterator[None]:
    """Silence transformers' report of missing weights, because a base model can lack weights for the new head."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def finish(trainer: StepTrainer[Any], fields: dict[str, Any], out: Path) -> TrainingManifest:
    """Write the finished run's weights, tokenizer, card and curves, and then its manifest. Return the manifest.

    Args:
        trainer: the trainer after training, with the selected weights loaded.
        fields: the manifest's fields, from `run.manifest_of`.
        out: folder of the run.

    Raises:
        TrainingError: this process cannot see the files that the first process wrote.
    """
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped) if trainer.is_fsdp_enabled else None
    staged = out / _STAGING
    if trainer.args.process_index == 0:
        shutil.rmtree(staged, ignore_errors=True)
        adapter = {"save_embedding_layers": False} if fields["form"] == "adapter" else {}
        trainer.model.save_pretrained(staged, state_dict=state, **adapter)
        trainer.objective.save(staged)
        manifest = TrainingManifest(**fields | split_hashes(staged))
        write_atomic(staged / "README.md", card_text(manifest, f"recipe-mpr finetune {manifest.recipe_name}"))
        write_curves(staged, manifest)
        if trainer.objective.recipe.keep_checkpoints:
            write_kept(Path(trainer.args.output_dir), fields, trainer.objective, out)
        move_into_place(staged, out)
        manifest.write(out)
    trainer.accelerator.wait_for_everyone()
    written = read_manifest(out)
    if written is None:
        raise TrainingError(f"{out}: the first process's files are missing; set out= to a folder on a shared disk")
    return written
