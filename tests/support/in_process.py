"""Run recipe-mpr commands in this process."""

import io
import json
import traceback
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard.commands.build import leaderboard
from recipe_mpr_task import cli
from tests.support.run_edits import Json


def built(folder: Path, out: Path) -> tuple[int, list[str], dict[str, Json]]:
    """Build a folder's leaderboard. Return the exit code, the lines of stderr, and the rows keyed by system."""
    done = CliRunner().invoke(leaderboard, [str(folder), "--out", str(out)])
    assert done.exception is None or isinstance(done.exception, SystemExit), traceback.format_exception(done.exception)
    rows = json.loads((out / "leaderboard.json").read_text())["rows"]
    return done.exit_code, done.stderr.splitlines(), {row["system"]: row for row in rows if row["kind"] != "reported"}


def spoken(command: str, arguments: Sequence[str]) -> str:
    """Run `recipe-mpr COMMAND`, and return its stdout and stderr as one text."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        cli.main([command, *arguments])
    return out.getvalue() + err.getvalue()
