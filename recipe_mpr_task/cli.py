"""Define the command `recipe-mpr`. Its subcommands come from several packages.

COMMANDS holds the names of the subcommands' modules. A module is imported only when its subcommand is used or listed.
So this package does not depend on `finetune` or `leaderboard`, and `--help` loads neither torch nor lm_eval.

Exit codes:
    0: done.
    1: a check failed.
    2: bad usage or input. One line on stderr says what is wrong.
    3: an internal error. One line on stderr names the log file with the traceback.
    130: the user stopped the command.
"""

import importlib
import sys
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from recipe_mpr_task import __version__
from recipe_mpr_task.errors import EXIT_BAD_INPUT, RecipeMPRError, one_line
from recipe_mpr_task.faults import log_fault
from recipe_mpr_task.lines import say
from recipe_mpr_task.suggest import did_you_mean

COMMANDS = {
    "add": "leaderboard.commands.add:add",
    "audit": "recipe_mpr_task.commands.audit:audit",
    "audit labels": "leaderboard.commands.labels:labels",
    "compare": "leaderboard.commands.compare:compare",
    "data": "recipe_mpr_task.commands.data:data",
    "demo": "leaderboard.commands.demo:demo",
    "doctor": "recipe_mpr_task.commands.doctor:doctor",
    "finetune": "finetune.command:finetune",
    "import": "leaderboard.commands.import_predictions:import_",
    "kit": "recipe_mpr_task.commands.kit:kit",
    "leaderboard": "leaderboard.commands.build:leaderboard",
    "run": "recipe_mpr_task.commands.run:run",
    "sweep": "leaderboard.commands.sweep:sweep",
    "tasks-path": "recipe_mpr_task.commands.tasks_path:tasks_path",
    "weights": "recipe_mpr_task.commands.weights:weights",
}

GROUPS = {
    "Score models": ("run", "demo", "sweep", "import"),
    "Train models": ("finetune", "add"),
    "Compare and publish": ("leaderboard", "compare", "kit"),
    "Dataset and setup": ("data", "audit", "audit labels", "weights", "doctor", "tasks-path"),
}
"""Headings of the help text, each with its subcommands. Subcommands without a group are listed under "Others"."""


class LazyGroup(click.Group):
    """A click group that imports a subcommand when the subcommand is used or listed.

    A subcommand's name may have two words: `audit [FILE]` and `audit labels` are two subcommands.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the name, the subcommand and the remaining arguments."""
        two_words = " ".join(args[:2])
        if len(args) > 1 and two_words in COMMANDS:
            return two_words, self.get_command(ctx, two_words), args[2:]
        return super().resolve_command(ctx, args)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all subcommands."""
        return sorted(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group's subcommands with the whole first sentence of each description."""
        grouped = {name for names in GROUPS.values() for name in names}
        for title, names in {**GROUPS, "Others": [name for name in sorted(COMMANDS) if name not in grouped]}.items():
            if listed := [name for name in names if name in COMMANDS]:
                with formatter.section(title):
                    formatter.write_dl([(name, self._first_sentence(ctx, name)) for name in listed])

    def _first_sentence(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=1000) if command else ""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names that complete a word. Omit names of two words, because they cannot complete one word."""
        return [item for item in super().shell_complete(ctx, incomplete) if " " not in item.value]

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand.

        Raises:
            UsageError: no subcommand has this name. The message suggests a similar name, or lists all names.
        """
        if cmd_name not in COMMANDS:
            hint = did_you_mean(cmd_name, COMMANDS) or f"; allowed: {', '.join(COMMANDS)}"
            raise click.UsageError(f"No such command {cmd_name!r}{hint}")
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recipe-mpr")
def cli() -> None:
    """Score models on Recipe-MPR with lm-evaluation-harness, and compare them on a leaderboard.

    To score a model, run: lm_eval --model ... --tasks recipe_mpr
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `recipe-mpr`, then exit. The module's docstring lists the exit codes.

    Args:
        arguments: the words after `recipe-mpr`; None to use `sys.argv`.
    """
    try:
        code = cli.main(args=arguments, prog_name="recipe-mpr", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message())
        code = EXIT_BAD_INPUT
    except click.ClickException as error:
        code = _fail(" ".join(error.format_message().split()))
    except RecipeMPRError as error:
        code = _fail(one_line(error))
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except Exception as error:  # noqa: BLE001 (any other exception is an internal error: log and report it)
        code = log_fault("in the command line", error)
    sys.exit(code)


def _fail(message: str) -> int:
    say(f"recipe-mpr: {message}", err=True)
    return EXIT_BAD_INPUT


if __name__ == "__main__":
    main()
