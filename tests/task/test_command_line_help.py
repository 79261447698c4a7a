"""The command line's help and shell completion, and the forms of an accuracy."""

import re

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from recipe_mpr_task.cli import COMMANDS, GROUPS, cli
from recipe_mpr_task.commands.accuracy import ACCURACY
from recipe_mpr_task.commands.run import config_names
from tests.support.commands import recipe_mpr


def printed(*arguments):
    done = CliRunner().invoke(cli, list(arguments), terminal_width=80)
    assert done.exit_code == 0, done.output
    return done.output


def test_help_lists_every_command_in_a_group_with_a_whole_description_on_one_line():
    listed = re.findall(r"^  (\w[\w -]*?)  +(\S.*)$", printed("--help").partition("\n\nScore models:\n")[2], re.M)
    assert sorted(name for name, _ in listed) == sorted(COMMANDS)
    assert not [text for _, text in listed if not text.endswith(".") or text.endswith("...")]
    assert {name for names in GROUPS.values() for name in names} >= set(COMMANDS)


def every_command(command=cli, names=()):
    yield names
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from every_command(command.get_command(context, name), (*names, name))


@pytest.mark.parametrize("names", every_command(), ids=" ".join)
def test_every_command_has_a_help_text(names):
    assert f"Usage: {' '.join(('cli', *names))} [" in printed(*names, "--help")


def test_help_of_run_says_what_it_adds_and_shows_the_flags_of_lm_eval():
    text = printed("run", "--help")
    assert text.index("--config also takes the name of a shipped config") < text.index("--num_fewshot")


def test_run_lists_every_shipped_config_with_a_description():
    text = printed("run", "--list")
    assert [line.split()[0] for line in text.splitlines() if not line.startswith(" ")] == config_names()
    assert "tfidf" in config_names()
    assert len(re.findall(r"^\w+  +\S", text, re.M)) == len(config_names())


@pytest.mark.integration
@pytest.mark.parametrize(
    ("model", "task", "said"),
    [
        ("recipe-mpr-baseline", "recipe_mrp", "--tasks recipe_mrp: no such task; did you mean recipe_mpr?"),
        ("recipe-mpr-basline", "recipe_mpr", "no such model; did you mean recipe-mpr-baseline?"),
    ],
)
def test_run_answers_an_unknown_name_with_one_line(model, task, said):
    done = recipe_mpr("run", "--model", model, "--tasks", task)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("given", "fraction"),
    [("0.75", 0.75), ("75", 0.75), ("75%", 0.75), (" 75 % ", 0.75), ("1", 1), ("100", 1), ("1%", 0.01), ("0", 0)],
)
def test_an_accuracy_is_a_fraction_or_percent(given, fraction):
    assert ACCURACY.convert(given, None, None) == pytest.approx(fraction)


@pytest.mark.parametrize("given", ["101", "-0.1", "nan", "three quarters", "%", ""])
def test_what_is_no_accuracy_is_an_error(given):
    with pytest.raises(click.BadParameter, match=r"such as 0\.75 or 75%"):
        ACCURACY.convert(given, None, None)


@pytest.mark.parametrize(
    ("words", "incomplete", "completion"),
    [
        ([], "lead", "leaderboard"),
        (["leaderboard"], "--tar", "--target"),
        (["finetune"], "tiny_lora_", "tiny_lora_published"),
    ],
)
def test_the_shell_completes_commands_options_and_recipes(words, incomplete, completion):
    shell = ShellComplete(cli, {}, "recipe-mpr", "_RECIPE_MPR_COMPLETE")
    assert [item.value for item in shell.get_completions(words, incomplete)] == [completion]


def test_the_shell_is_offered_no_name_of_two_words():
    shell = ShellComplete(cli, {}, "recipe-mpr", "_RECIPE_MPR_COMPLETE")
    assert "audit labels" not in {item.value for item in shell.get_completions([], "audit")}
