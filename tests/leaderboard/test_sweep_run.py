"""The loop of a sweep: a second try with half the batch, crashes, load failures, and results kept in one step."""

import json
from collections import deque
from pathlib import Path

import pytest

from leaderboard.sweep.board import left_text
from leaderboard.sweep.cell_log import last_bar
from leaderboard.sweep.cells import Cell, cells_of
from leaderboard.sweep.executor import Needs
from leaderboard.sweep.local import LocalExecutor
from leaderboard.sweep.messages import ENDED, Event, GroupOrder
from leaderboard.sweep.models import models_of
from leaderboard.sweep.plan import CellState, make_plan
from leaderboard.sweep.recognition import Recognition
from leaderboard.sweep.run import Sweep, halved, last_line, lm_eval_config
from leaderboard.sweep.storage import Folder, check_complete, locked
from leaderboard.sweep.sweep_file import SweepFile
from leaderboard.sweep.worker import LoadedOnce
from recipe_mpr_task.errors import RecipeMPRError
from tests.support.fake_runs import run_files

HF = {"model": "hf", "model_args": {"pretrained": "org/model"}, "batch_size": 8}
TASKS = ["recipe_mpr_sample", "recipe_mpr", "recipe_mpr_test"]


def plan(*models, tasks=TASKS) -> list[CellState]:
    sweep = SweepFile.model_validate({"models": list(models), "tasks": tasks})
    return make_plan(cells_of(sweep, models_of(sweep)), Recognition(None))


class Scripted:
    """An executor that answers each group with the events that the test has written down."""

    def __init__(self, *answers: list[Event]) -> None:
        self.answers, self.orders, self.queued = deque(answers), [], deque()
        self.stopped = False

    def needs(self, model):
        return Needs(0, 0)

    def never_fits(self, needs):
        return None

    def start(self, key: int, order: GroupOrder, needs: Needs) -> bool:
        self.orders.append(order)
        self.queued += [(key, event) for event in self.answers.popleft()]
        return True

    def event(self, timeout: float):
        return self.queued.popleft() if self.queued else None

    def stop(self) -> None:
        self.stopped = True


def began(k):
    return Event(kind="started", cell=k)


def did(k):
    return [began(k), Event(kind="finished", cell=k)]


END = Event(kind=ENDED)
NO_MEMORY = Event(kind="failed", cell=1, reason="CUDA out of memory", out_of_memory=True)


def swept(tmp_path, states, *answers):
    executor = Scripted(*answers)
    Sweep(states, executor, Folder(str(tmp_path))).run(lambda _: None)
    assert executor.stopped and not executor.answers
    return executor.orders, [state.status for state in states]


def test_out_of_memory_is_tried_once_more_with_half_the_batch(tmp_path):
    states = plan(HF)
    again = [*did(0), *did(1), END]
    orders, statuses = swept(tmp_path, states, [*did(0), began(1), NO_MEMORY, END], again)
    assert statuses == ["done"] * 3
    sizes = [[(cell.task, cell.config["batch_size"]) for cell in order.cells] for order in orders]
    assert sizes == [[(task, 8) for task in TASKS], [(task, 4) for task in TASKS[1:]]]
    assert orders[1].append, "the log of the first try is kept"


def test_out_of_memory_twice_fails_the_cell_and_the_others_go_on(tmp_path):
    states = plan(HF)
    second = NO_MEMORY.model_copy(update={"cell": 0})
    orders, statuses = swept(
        tmp_path, states, [*did(0), began(1), NO_MEMORY, END], [began(0), second, END], [*did(0), END]
    )
    assert statuses == ["done", "failed", "done"]
    assert (states[1].note, states[1].tries) == ("CUDA out of memory", 2)
    assert orders[2].cells[0].config["batch_size"] == 4


def test_a_killed_process_counts_as_out_of_memory(tmp_path):
    killed = Event(kind=ENDED, reason="the process was killed by SIGKILL", out_of_memory=True)
    orders, statuses = swept(tmp_path, plan(HF), [began(0), killed], [*did(0), *did(1), *did(2), END])
    assert statuses == ["done"] * 3
    assert [cell.config["batch_size"] for cell in orders[1].cells] == [4] * 3


def test_a_crash_fails_one_cell_with_its_last_line(tmp_path):
    states = plan(HF)
    log = Folder(str(tmp_path)).log(states[1].cell.folder)
    log.write_text("loading\nFatal: bad weights\n\n")
    crash = Event(kind=ENDED, reason="exit code 134")
    _, statuses = swept(tmp_path, states, [*did(0), began(1), crash], [*did(0), END])
    assert statuses == ["done", "failed", "done"]
    assert states[1].note == "exit code 134; last line of its log: Fatal: bad weights"


def test_a_failed_cell_does_not_stop_the_others(tmp_path):
    states = plan(HF, {"baseline": "first"})
    failed = Event(kind="failed", cell=1, reason="ValueError: no")
    _, statuses = swept(tmp_path, states, [*did(0), began(1), failed, *did(2), END], [*did(0), *did(1), *did(2), END])
    assert statuses == ["done", "failed", "done", "done", "done", "done"]


def test_a_worker_that_cannot_start_fails_its_cells_and_ends_the_sweep(tmp_path):
    states = plan(HF)
    _, statuses = swept(tmp_path, states, [Event(kind=ENDED, reason="exit code 1")])
    assert statuses == ["failed"] * 3
    assert states[0].note == "the worker could not start: exit code 1"


def test_an_interrupt_ends_the_workers(tmp_path):
    executor = Scripted([began(0)])

    def interrupt(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sweep(plan(HF), executor, Folder(str(tmp_path))).run(interrupt)
    assert executor.stopped


def test_what_a_lost_node_had_not_finished_is_run_again(tmp_path):
    """A result that was published before the node was lost is not made again, though its last event is missing."""
    states = plan(HF, tasks=TASKS)
    lost = Event(kind=ENDED, reason="its node was lost", lost=True)
    executor = Scripted([*did(0), began(1), lost], [*did(0), END])
    Sweep(states, executor, Folder(str(tmp_path)), lambda cell: cell.task == TASKS[1]).run(lambda _: None)
    assert [state.status for state in states] == ["done"] * 3
    assert [[cell.task for cell in order.cells] for order in executor.orders] == [TASKS, TASKS[2:]]


def test_a_group_whose_nodes_are_always_lost_fails_in_the_end(tmp_path):
    lost = [began(0), Event(kind=ENDED, reason="its node was lost", lost=True)]
    states = plan(HF, tasks=TASKS[:1])
    _, statuses = swept(tmp_path, states, *[lost] * 6)
    assert (statuses, states[0].note) == (["failed"], "its node was lost; last line of its log: no log")


@pytest.mark.parametrize(
    ("entry", "found", "changes"),
    [
        (HF, None, {"batch_size": 4}),
        (HF | {"batch_size": 1}, None, None),
        (HF | {"batch_size": "auto"}, 48, {"batch_size": 24}),
        (HF | {"batch_size": "auto:4"}, None, {"batch_size": 1}),
        ({"baseline": "bm25"}, None, None),
        ({"encoder": "org/mini", "model_args": {"max_batch_tokens": 1000}}, None, {"max_batch_tokens": 500}),
    ],
)
def test_half_a_batch(entry, found, changes):
    (state, *_) = plan(entry)
    assert halved(state.cell, found) == changes
    if changes:
        config = lm_eval_config(state.cell, changes)
        assert {**config, **config["model_args"]}.items() >= changes.items()


def test_the_config_of_a_cell_is_what_lm_eval_runs():
    (model,) = models_of(SweepFile.model_validate({"models": [HF | {"gen_kwargs": {"max_gen_toks": 16}}]}))
    config = lm_eval_config(Cell(model, "recipe_mpr", shots=5, chat=True, seed=3), {})
    assert config == {
        "gen_kwargs": {"max_gen_toks": 16}, "model": "hf", "model_args": {"pretrained": "org/model"},
        "tasks": ["recipe_mpr"], "batch_size": 8, "seed": [3, 3, 3, 3], "log_samples": True, "metadata": {},
        "num_fewshot": 5, "apply_chat_template": True,
    }  # fmt: skip
    plain = lm_eval_config(Cell(model, "recipe_mpr"), {})
    assert plain["seed"] == [0, 1234, 1234, 1234] and "num_fewshot" not in plain


def test_a_result_is_published_in_one_step_and_never_over_another(tmp_path):
    storage = Folder(str(tmp_path))
    for k in range(2):
        staged = storage.stage("cell")
        assert not list(staged.iterdir())
        (staged / "results.json").write_text(str(k))
        storage.publish(staged, "cell")
    texts = {path.parent.name: path.read_text() for path in (tmp_path / "runs").rglob("*.json")}
    assert texts == {"cell": "0", "cell-2": "1"}
    storage.stage("cell")
    storage.clean()
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}


def test_an_incomplete_result_is_never_published(tmp_path):
    run_files(tmp_path / "whole")
    check_complete(tmp_path / "whole", "recipe_mpr_sample")
    with pytest.raises(RecipeMPRError, match="without a complete result"):
        check_complete(tmp_path / "whole", "recipe_mpr")
    run_files(tmp_path / "cut", edit_samples=lambda samples: samples.pop())
    with pytest.raises(RecipeMPRError, match="without a complete result"):
        check_complete(tmp_path / "cut", "recipe_mpr_sample")


def test_two_sweeps_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("leaderboard.sweep.storage.ORPHANS_END_SECONDS", 0.1)
    with locked(tmp_path) as descriptor:
        assert descriptor > 2
        with pytest.raises(RecipeMPRError, match="another sweep is using this folder"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


def test_gpus_and_memory_limit_what_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    executor = LocalExecutor(1, -1)
    (cell, *_) = [state.cell for state in plan(HF)]
    (baseline, *_) = [state.cell for state in plan({"baseline": "first"})]
    assert executor.needs(cell.model) == Needs(1, 0)
    assert executor.needs(baseline.model) == Needs(0, 0)
    assert executor.never_fits(Needs(3, 0)) == "gpus: 3, but this machine has 2"
    assert "memory: 1048576 GiB" in str(executor.never_fits(Needs(0, 2**50)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert LocalExecutor(1, -1).needs(cell.model) == Needs(0, 0)


def test_the_model_is_loaded_once_and_a_failure_to_load_is_told_apart():
    class Model:
        def __init__(self):
            self.truncated_in, self.batch_sizes = {"recipe_mpr": 2}, {0: 4, 1: 48}

        @classmethod
        def create_from_arg_obj(cls, *arguments):
            if arguments[0].get("broken"):
                raise OSError("no weights")
            return cls()

    loader = LoadedOnce(lambda name: Model)
    assert loader.batch is None
    with pytest.raises(OSError, match="no weights"):
        loader("hf").create_from_arg_obj({"broken": True}, {})
    assert loader.has_failed
    first = loader("hf").create_from_arg_obj({}, {})
    assert loader("hf").create_from_arg_obj({}, {}) is first and not loader.has_failed
    assert (first.truncated_in, loader.batch) == ({}, 48)


def test_progress_is_read_from_the_bars_in_the_log(tmp_path):
    log = tmp_path / "cell.log"
    log.write_bytes(
        b"Loading weights: 100%|##| 3/3 [00:00<00:00]\n"
        b"\rRunning loglikelihood requests:   0%|   | 0/2500 [00:00<?, ?it/s]"
        b"\rRunning loglikelihood requests:  50%|#  | 1250/2500 [00:09<00:09, 138.1it/s]"
    )
    assert last_bar(log) == (1250, 2500)
    log.write_text("Building contexts: 100%|##| 500/500 [00:00<00:00]")
    assert last_bar(log) is None
    assert last_bar(Path("nowhere")) is None
    assert last_line(log).startswith("Building contexts")


def test_the_time_left_is_estimated_from_the_same_model():
    states = plan(HF, {"baseline": "first"}, tasks=["recipe_mpr_sample", "recipe_mpr_test"])
    assert left_text(states, 1) == "time left unknown"
    states[0].status, states[0].seconds = "done", 120.0
    states[2].status, states[2].seconds = "done", 6.0
    assert left_text(states, 1) == "about 105 s left"
    assert left_text(states, 2) == "about 52 s left"
    assert json.dumps(left_text(states[:1], 1)) == '"about 0 s left"'
