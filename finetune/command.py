"""`recipe-mpr finetune RECIPE [key=value ...]`: train a model."""

from collections.abc import Sequence
from pathlib import Path

import click

from recipe_mpr_task.lines import say


class _ListsRecipes(click.Command):
    """A click command whose help text ends with a list of the shipped recipes."""

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from finetune.recipe import recipe_names

        with formatter.section("Recipes"):
            formatter.write_text(", ".join(recipe_names()))


def _recipes_for(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the shipped recipes that complete a word."""
    from finetune.recipe import recipe_names

    return [name for name in recipe_names() if name.startswith(incomplete)]


@click.command(cls=_ListsRecipes)
@click.argument("recipe", shell_complete=_recipes_for)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Print settings, parameter counts and estimated memory; do not train.")
@click.option("--merge", is_flag=True, help="Also merge adapter and base model; compare the answers on 20 items.")
@click.option("--resume", is_flag=True, help="Continue an interrupted run from its last complete checkpoint.")
def finetune(recipe: str, overrides: Sequence[str], dry_run: bool, merge: bool, resume: bool) -> None:
    """Train a model by a recipe.

    RECIPE is the name of a shipped recipe, or a YAML file.

    Common overrides: model=, split= (published, fold0..fold4, folds), out=, seed=, epochs=, merge=true.
    """
    from finetune.recipe import load_recipe

    resolved = load_recipe(recipe, [*overrides, *(["merge=true"] if merge else [])])
    if dry_run:
        from finetune.estimate import report

        say(report(resolved))
        return
    from finetune.outputs import cost_text
    from finetune.run import check, is_first_process, train_all
    from recipe_mpr_task.manifest import FILE_NAME

    check(resolved, resume=resume)
    finished = {Path(one.out) for one in resolved.folds() if resume and (Path(one.out) / FILE_NAME).is_file()}
    for folder, manifest in train_all(resolved, resume=resume):
        if not is_first_process():
            continue
        before = "already finished; " if folder in finished else ""
        say(
            f"{folder}: {before}trainable parameters {manifest.trainable_parameters:,} "
            f"of {manifest.total_parameters:,}, attention {manifest.recipe.get('attention')}, "
            f"{cost_text(manifest)}"
        )
        if resolved.merge:
            _merge(folder)
    if is_first_process():
        say(f"to score the model on its held-out items: recipe-mpr add {resolved.out}")


def _merge(folder: Path) -> None:
    import gc

    from finetune.merge import MERGED, merge

    gc.collect()  # free the trained model's memory before merging loads two models
    if (folder / MERGED).is_dir():
        say(f"{folder / MERGED}: already merged")
        return
    comparison = merge(folder)
    say(
        f"{folder / MERGED}: the merged model chooses the adapter's letter on {comparison.n_same} of "
        f"{comparison.n_items} items; log-probabilities differ by at most {comparison.largest_difference:.2g} nats"
    )
