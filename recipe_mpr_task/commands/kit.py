"""Define `recipe-mpr kit upstream` and `recipe-mpr kit hub`."""

from pathlib import Path

import click

from recipe_mpr_task.lines import say


@click.group()
def kit() -> None:
    """Write a folder that adds Recipe-MPR to another project."""


@kit.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def upstream(folder: Path) -> None:
    """Write the tasks into DIR, for a pull request to lm-eval.

    The tasks need only lm-eval. Their prompts, hashes and accuracies equal those of this package.
    """
    from recipe_mpr_task.kits.folder import write_kit
    from recipe_mpr_task.kits.upstream import MAIN, upstream_files

    write_kit(upstream_files(), folder)
    say(f"wrote {folder}")
    say(f"try it: lm_eval --include_path {folder} --tasks {MAIN} --model hf --model_args pretrained=MODEL")


@kit.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--push", metavar="OWNER/NAME", help="Also upload the files to this dataset repository of the Hub.")
@click.option("--private", is_flag=True, help="With --push: create the repository as private.")
def hub(folder: Path, push: str | None, private: bool) -> None:
    """Write the dataset into DIR, for the Hugging Face Hub.

    The options are in shuffled order: each letter is right for 100 items. Nothing is uploaded without --push.
    """
    from recipe_mpr_task.data import load_items
    from recipe_mpr_task.kits import checked_id
    from recipe_mpr_task.kits.folder import write_kit
    from recipe_mpr_task.kits.hub import hub_files

    if private and not push:
        raise click.UsageError("--private is allowed only with --push; add --push OWNER/NAME")
    contents = hub_files(load_items(), checked_id(push) if push else None)
    write_kit(contents, folder)
    say(f"wrote {folder}")
    say(f"try it: python -c \"import datasets; print(datasets.load_dataset('{folder}'))\"")
    if push:
        from recipe_mpr_task.kits.push import upload

        say(f"uploaded: {upload(contents, push, private=private)}")
