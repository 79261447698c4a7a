"""lm-eval finds this project by the autoload: its switch, its failures, and unaffected programs."""

import subprocess
import sys
import sysconfig
import types

import pytest

from recipe_mpr_task import plugin
from recipe_mpr_task.models import MODELS
from recipe_mpr_task.tasks import TASKS_PATH
from tests.support.commands import run_python

OTHER_TASK = "task: {name}\ndataset_path: x\noutput_type: generate_until\n"


@pytest.mark.integration
@pytest.mark.parametrize(
    "first",
    ["", "import lm_eval.models", "import lm_eval.api.registry", "from lm_eval.tasks import TaskManager",
     "import recipe_mpr_task.models.baselines", "import lm_eval.models.huggingface", "import lm_eval.evaluator"],
)  # fmt: skip
def test_models_register_and_hf_stays_whatever_was_imported_first(first):
    code = (
        f"{first}\nimport lm_eval.models\nfrom lm_eval.api.registry import get_model\n"
        "print(get_model('hf').__name__, get_model('recipe-mpr-baseline').__name__, "
        "get_model('recipe-mpr-encoder').__name__)"
    )
    done = run_python("-c", code)
    assert done.stdout.split() == ["HFLM", "BaselineLM", "EncoderLM"], done.stderr


@pytest.mark.integration
@pytest.mark.parametrize("flags", [["-I"], ["-E"], ["-s"], ["-P"]])
def test_tasks_are_found_under_isolating_flags(flags):
    code = "from lm_eval.tasks import TaskManager; print('recipe_mpr' in TaskManager(include_defaults=False).all_tasks)"
    assert run_python(*flags, "-c", code).stdout.strip() == "True"


@pytest.mark.integration
def test_switch_turns_it_off_and_include_path_works_without_it():
    code = (
        "import sys; from lm_eval.tasks import TaskManager;"
        "print(TaskManager(include_defaults=False, include_path=sys.argv[1:] or None).all_tasks)"
    )
    assert run_python("-c", code, RECIPE_MPR_AUTOLOAD="0").stdout.strip() == "[]"
    path = run_python("-m", "recipe_mpr_task.cli", "tasks-path").stdout.strip()
    assert "'recipe_mpr'" in run_python("-c", code, path, RECIPE_MPR_AUTOLOAD="0").stdout


@pytest.mark.integration
def test_interpreter_start_is_silent_and_loads_nothing():
    done = run_python("-c", "import sys; print([m for m in sys.modules if 'recipe' in m or m.startswith('lm_eval')])")
    assert (done.stdout.strip(), done.stderr) == ("['_recipe_mpr_autoload']", "")


@pytest.mark.integration
def test_a_broken_installation_neither_prints_nor_raises_at_start():
    # The start-up line with the module missing: a half-removed installation must not break lm-eval.
    line = (TASKS_PATH.parent / "autoload" / "recipe_mpr_autoload.pth").read_text()
    code = (
        f"import sys; sys.modules['_recipe_mpr_autoload'] = None; {line}\nimport lm_eval.models, lm_eval.tasks.manager"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.integration
def test_importing_the_module_by_hand_serves_where_start_up_files_are_not_read():
    site_packages = sysconfig.get_paths()["purelib"]
    code = (
        f"import sys; sys.path[:0] = [{site_packages!r}, {str(TASKS_PATH.parents[1])!r}]; import {{}}\n"
        "from lm_eval.tasks import TaskManager; import _recipe_mpr_autoload\n"
        "from lm_eval.api.registry import get_model\n"
        "tasks = TaskManager(include_defaults=False).all_tasks\n"
        "print('recipe_mpr' in tasks, get_model('recipe-mpr-baseline').__name__)"
    )
    for early in ("_recipe_mpr_autoload", "lm_eval.tasks.manager, lm_eval.models"):
        done = run_python("-S", "-c", code.format(early))
        assert done.stdout.strip() == "True BaselineLM", done.stderr


def test_order_is_defaults_ours_users(tmp_path):
    from lm_eval.tasks import TaskManager

    (tmp_path / "mine.yaml").write_text(OTHER_TASK.format(name="recipe_mpr"))
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    assert manager.task_index["recipe_mpr"].yaml_path.parent == tmp_path, "the user's own path wins"
    assert manager.task_index["recipe_mpr_test"].yaml_path.parent == TASKS_PATH
    assert manager.include_path == str(tmp_path)


def test_asking_for_our_path_as_well_warns_of_nothing(caplog):
    from lm_eval.tasks import TaskManager

    assert "recipe_mpr" in TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False).all_tasks
    assert "overrides" not in caplog.text


def manager_that_finds(*names):
    class TaskManager:
        def __init__(self, verbosity=None, include_path=None, include_defaults=True):
            plugin_folders = names
            self.all_tasks, self.include_path, self.asked = plugin_folders, include_path, include_path

    manager = types.ModuleType("lm_eval.tasks.manager")
    manager.TaskManager = TaskManager
    return manager


def test_the_folder_is_added_where_lm_eval_does_not_find_it_whatever_its_names_say():
    manager = manager_that_finds("of_another_plugin")
    plugin.activate(manager)
    plugin.activate(manager)
    assert manager.TaskManager(include_path="mine").asked == [TASKS_PATH, "mine"]
    assert not plugin.discovers_tasks(manager)


def test_nothing_is_done_where_lm_eval_discovers_plugins(monkeypatch):
    from lm_eval.api import registry

    manager = manager_that_finds("recipe_mpr", "recipe_mpr_test")
    original = manager.TaskManager.__init__
    plugin.activate(manager)
    assert manager.TaskManager.__init__ is original
    monkeypatch.setattr(registry, "load_plugins", lambda: None, raising=False)
    monkeypatch.setattr(registry, "model_registry", {})
    plugin.activate(types.ModuleType("lm_eval.models"))
    assert registry.model_registry == {}


def test_declared_entry_points_are_what_the_autoload_registers():
    from importlib.metadata import distribution

    points = distribution("lm-eval-recipe-mpr").entry_points
    assert {p.name: p.value for p in points if p.group == "lm_eval.models"} == MODELS
    assert all(isinstance(p.load(), type) for p in points if p.group == "lm_eval.models")
    (tasks,) = [p for p in points if p.group == "lm_eval.tasks"]
    assert tasks.load().TASKS_PATH == TASKS_PATH


@pytest.mark.integration
def test_in_lm_eval_and_recipe_mpr_our_errors_end_with_one_line_and_all_others_as_before():
    code = "import sys, lm_eval.models, recipe_mpr_task.errors as e; sys.argv[0] = {!r}; raise {}"
    ours = "e.DataError('ours\\nfolded')"
    for program in ("/usr/bin/lm_eval", "lm-eval", "/x/bin/recipe-mpr"):
        done = run_python("-c", code.format(program, ours))
        assert (done.returncode, done.stderr) == (2, "recipe-mpr: ours folded\n")
    for program, error, last in (
        ("lm_eval", "ValueError('theirs')", "ValueError: theirs"),
        ("/x/bin/pytest", ours, "folded"),
        ("-c", ours, "folded"),
    ):
        done = run_python("-c", code.format(program, error))
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, last)
        assert done.stderr.startswith("Traceback")


@pytest.mark.integration
def test_python_dash_m_lm_eval_ends_with_one_line_too():
    done = run_python(
        "-m", "lm_eval", "run", "--model", "recipe-mpr-baseline", "--model_args", "kind=frist",
        "--tasks", "recipe_mpr_sample",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("did you mean first?")
    assert "Traceback" not in done.stderr
