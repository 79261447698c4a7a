"""Figures for papers: which files are written, that they show the page's numbers, and the dataset's flaw."""

import re

import pytest

from leaderboard.build import build
from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.site.figures import write_figures
from leaderboard.site.figures.accuracy import draw_accuracy, shown_rows
from leaderboard.site.figures.flaw import draw_flaw, share_of_first
from leaderboard.site.figures.forest import draw_forest
from leaderboard.site.figures.style import look, marker, save
from leaderboard.site.text import difference_text, percent
from tests.support.commands import recipe_mpr
from tests.support.fake_runs import run_files

BOARD = "recipe_mpr_sample"
KINDS = ("accuracy", "forest", "parameters", "calibration", "difficulty")


@pytest.fixture
def boards(tmp_path, own_cache):
    for k, name in enumerate(["org/$a_1$ (a base model with a long name)", "org/b", "org/c"]):
        run_files(tmp_path / "runs" / str(k), name=name, skill=0.9 - 0.3 * k, seed=k, date=float(k + 1))
    return build_boards(read_rows([tmp_path / "runs"])[0])


def sample_of(boards):
    return next(board for board in boards if board.key == BOARD)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.integration
def test_every_figure_is_written_twice_and_the_same_input_gives_the_same_bytes(tmp_path, boards):
    first = write_figures(boards, tmp_path / "one")
    with look():
        again = save(draw_accuracy(sample_of(boards), None), tmp_path / "two", "accuracy-recipe-mpr-sample")
    assert [(tmp_path / "one" / path.name).read_bytes() for path in again] == [path.read_bytes() for path in again]
    names = ["dataset-flaw", *(f"{kind}-recipe-mpr-sample" for kind in KINDS)]
    assert [path.name for path in first] == [f"{name}.{suffix}" for name in names for suffix in ("svg", "png")]
    assert all(b"<svg" in path.read_bytes() for path in first if path.suffix == ".svg")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in first if path.suffix == ".png")


def test_the_numbers_in_the_figures_are_those_of_the_rows(boards):
    board = sample_of(boards)
    ranked = [row for row in board.rows if row.rank]
    assert [text for text in texts(draw_accuracy(board, None)) if re.fullmatch(r"[\d.]+", text)] == [
        percent(row.score.acc) for row in ranked
    ]
    shown = texts(draw_forest(board, None))
    assert [difference_text(row.against_leader.comparison) for row in ranked[1:]] == [t for t in shown if "[" in t]


def test_what_was_run_here_is_solid_recounts_are_half_and_claims_hollow(boards):
    assert [marker(each)["fillstyle"] for each in ("run here", "recounted", "claimed")] == ["full", "left", "none"]
    main = next(board for board in boards if board.key == "recipe_mpr")
    claims = shown_rows(main)
    assert {row.evidence for row in claims} == {"claimed"}
    accs = [row.score.acc for row in claims]
    assert accs == sorted(accs, reverse=True)


def test_always_a_is_right_everywhere_in_file_order_and_on_a_fifth_here():
    assert (share_of_first("file"), share_of_first("shuffled")) == (1.0, 0.2)
    assert {"100%", "20%"} <= set(texts(draw_flaw()))


def test_a_board_without_a_comparison_has_no_figure(tmp_path, own_cache):
    run_files(tmp_path / "run")
    boards = build_boards(read_rows([tmp_path / "run"])[0])
    assert [path.stem for path in write_figures(boards, tmp_path / "figures")] == ["dataset-flaw"] * 2
    build([tmp_path / "run"], tmp_path / "out")
    assert not (tmp_path / "out" / "figures").exists(), "figures are written when they are asked for"


@pytest.mark.integration
def test_the_command_names_the_figures_and_a_folder_that_it_cannot_write(tmp_path, own_cache):
    for k in range(2):
        run_files(tmp_path / "runs" / str(k), name=f"org/{k}", seed=k, date=float(k + 1))
    (tmp_path / "file").write_text("")
    command = ["leaderboard", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--figures"]
    done = recipe_mpr(*command, str(tmp_path / "figures"))
    assert (done.returncode, "accuracy-recipe-mpr-sample.svg" in done.stdout) == (0, True)
    done = recipe_mpr(*command, str(tmp_path / "file"))
    assert done.returncode == 2
    assert "--figures" in done.stderr
    assert "Traceback" not in done.stderr
