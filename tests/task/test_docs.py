"""README and docs: short, linked, every command spelled as the program takes it, badges that are true."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.cli import COMMANDS, cli
from recipe_mpr_task.commands.run import config_path
from tests.support.doc_blocks import CHECKOUT, PAGES, blocks_of, commands_of

README = CHECKOUT / "README.md"
COMMANDS_SHOWN = [(block.place, command) for page in PAGES for block in blocks_of(page) if block.language == "bash"
                  for command in commands_of(block)]  # fmt: skip
FILES_NAMED = re.compile(r"tests/[\w/]+\.py")


def test_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_to_files_and_headings_are_alive(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(file):
    headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"[\w/]+\.(?:md|ipynb)$", (CHECKOUT / "mkdocs.yml").read_text(), re.M))
    pages = {file.name for pattern in ("*.md", "*.ipynb") for file in (CHECKOUT / "docs").glob(pattern)}
    assert listed == pages


def test_what_is_not_run_names_tests_that_are_there():
    reasons = [block.reason for page in PAGES for block in blocks_of(page) if block.reason]
    named = [file for reason in reasons for file in FILES_NAMED.findall(reason)]
    assert len(named) >= 5
    assert not [file for file in named if not (CHECKOUT / file).is_file()]


@pytest.mark.parametrize(("place", "command"), COMMANDS_SHOWN, ids=lambda value: str(value)[:60])
def test_commands_are_spelled_as_the_program_takes_them(place, command):
    program, *words = shlex.split(command)
    if program == "recipe-mpr" and words[0] == "run":
        check_flags_of_lm_eval(words[1:])
    elif program == "lm_eval" and words[0] not in ("ls", "validate"):
        check_flags_of_lm_eval(words[1:] if words[0] == "run" else words)
    elif program == "recipe-mpr" and words[0] not in ("--help", "--version"):
        check_click(words)


def check_click(words):
    """Parse the words as the subcommand does, without running it."""
    context = click.Context(cli)
    name, command, rest = cli.resolve_command(context, list(words))
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, rest)
    command.make_context(name, list(rest), parent=context)


def check_flags_of_lm_eval(words):
    from recipe_mpr_task.commands.run import lm_eval_parser

    if words == ["--list"]:
        return
    parsed, unknown = lm_eval_parser().parse_known_args(words)
    assert not unknown
    if getattr(parsed, "config", None) and parsed.config not in ("FILE", "NAME"):
        config_path(parsed.config)


def test_every_command_is_documented():
    text = "\n".join(page.read_text() for page in PAGES)
    assert not [name for name in COMMANDS if f"recipe-mpr {name}" not in text]


def test_badges_and_examples_of_readme_are_true():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    text = README.read_text()
    pythons = [c.rsplit(" ", 1)[1] for c in project["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]
    assert f"Python {pythons[0]} to {pythons[-1]}]" in text
    assert f"python-{pythons[0]}%20to%20{pythons[-1]}-" in text
    (lm_eval,) = [d for d in project["dependencies"] if d.startswith("lm-eval")]
    least = re.search(r">=([\d.]+)", lm_eval)[1]
    assert f"lm-eval {least} or later" in text
    assert f"Task version {TASK_VERSION}]" in text
    assert f"task%20version-{TASK_VERSION}-" in text
    assert f"Licence {project['license']}]" in text


def test_the_site_is_strict_and_names_no_other_host():
    site = yaml.safe_load((CHECKOUT / "mkdocs.yml").read_text())
    assert site["strict"] is True
    assert site["theme"]["font"] is False
    assert Path(site["site_dir"]).parts[0] == "out"
