"""The kits for lm-eval and the Hub equal the package's content; nothing is lost or uploaded without --push."""

import ast
import importlib.util
import json
import math
import shutil
import sys
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import datasets
import pytest
import yaml

from recipe_mpr_task import metrics, prompts
from recipe_mpr_task.data import FILE_NAME, load_items, load_sample, local_source
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.kits import BENCHMARK_TASKS, checked_id
from recipe_mpr_task.kits.bundle import bundle
from recipe_mpr_task.kits.folder import write_kit
from recipe_mpr_task.kits.hub import hub_files
from recipe_mpr_task.kits.upstream import TASKS, upstream_files
from recipe_mpr_task.orders import display
from recipe_mpr_task.shots import OtherFoldShots
from recipe_mpr_task.splits import fold_of, part_of
from recipe_mpr_task.task import load_dataset, record_of
from recipe_mpr_task.task_specs import task_spec
from tests.support.commands import run_python
from tests.support.fake_hub import FakeHub
from tests.support.in_process import spoken

KIT = ("-m", "recipe_mpr_task.cli", "kit")


def loaded(folder):
    """Import the kit's utils.py as lm-eval does, by its path."""
    spec = importlib.util.spec_from_file_location("kit_utils", folder / "utils.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upstream")
    write_kit(upstream_files(), folder)
    return folder


@pytest.fixture(scope="module")
def utils(upstream):
    return loaded(upstream)


@pytest.fixture(scope="module")
def sample_files():
    return hub_files(load_sample(), None)


# --- the kit for lm-eval ---


def test_utils_needs_nothing_of_ours_and_python_3_10(upstream):
    text = (upstream / "utils.py").read_text()
    tree = ast.parse(text, feature_version=(3, 10))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"datasets", "lm_eval"}


@pytest.mark.integration
def test_utils_has_no_undefined_unused_or_repeated_name(upstream):
    rules = ("--isolated", "--no-cache", "--target-version", "py310", "--select", "E9,F")
    done = run_python("-m", "ruff", "check", *rules, str(upstream / "utils.py"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_bundle_rejects_two_definitions_of_one_name():
    with pytest.raises(ValueError, match="defined in two modules: _draw"):
        bundle([("orders", "_draw"), ("shot_selection", "_draw")])


@pytest.mark.real_data
def test_documents_equal_ours(utils):
    ours = load_dataset(recipe_mpr_split="all", recipe_mpr_order="shuffled")["items"]
    theirs = utils.load_dataset(version=1, pretrained="a-model")["items"]
    assert theirs.features == ours.features
    assert theirs.to_list() == ours.to_list()


@pytest.mark.real_data
@pytest.mark.parametrize(("n", "seed"), [(1, 1234), (3, 7), (10, 0)])
def test_shots_equal_ours(utils, n, seed):
    documents = [record_of(display(item, "shuffled")) for item in load_items()]
    ours, theirs = (sampler(documents).set_rnd(seed) for sampler in (OtherFoldShots, utils.OtherFoldShots))
    for document in documents[::25]:
        assert theirs.sample(n, eval_doc=document) == ours.sample(n, eval_doc=document)


SCORES = ((-1.0, -2.0, -3.0, -4.0, -5.0), (-1.0, -1.0, -1.0, -1.0, -1.0), (-9.0, -2.0, -2.0, -4.0, -0.5),
          (math.nan, -1.0, -1.0, -1.0, -1.0))  # fmt: skip
REPLIES = ("B", "Answer: C", "The answer is (d).", "<think>A", "A or B", "I would not choose E, but option A", "")


def test_metrics_equal_ours_and_are_all_declared(upstream, utils):
    declared = {}
    for name in TASKS:
        (file,) = upstream.glob(f"{name}.yaml")
        text = file.read_text().replace("!function ", "")
        declared[name] = {m["metric"]: m["higher_is_better"] for m in yaml.safe_load(text)["metric_list"]}
    registered = {metric.key: metric.higher_is_better for metric in metrics.METRICS}
    returned = {name: set() for name in TASKS}
    for item in load_sample():
        document = record_of(display(item, "shuffled"))
        for name in TASKS:
            ours = task_spec(name).process_results
            theirs = getattr(utils, ours.__name__)
            results = [[r] for r in REPLIES] if task_spec(name).generates else [[(s, False) for s in r] for r in SCORES]
            for result in results:
                found = theirs(document, result)
                assert repr(found) == repr(ours(document, result))
                returned[name] |= found.keys()
    for name in TASKS:
        assert declared[name].keys() == returned[name]
        assert declared[name].items() <= registered.items()


def test_prompts_are_ours(upstream):
    for name in TASKS:
        config = yaml.safe_load((upstream / f"{name}.yaml").read_text().replace("!function ", ""))
        assert config["doc_to_text"] == prompts.template(task_spec(name).prompt)


def test_other_data_and_no_data_are_refused(utils, tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_DATA", str(tmp_path / FILE_NAME))
    with pytest.raises(OSError, match=r"cannot be read .*; go online, or set RECIPE_MPR_DATA"):
        utils.load_dataset()
    (tmp_path / FILE_NAME).write_text("[]")
    with pytest.raises(ValueError, match=r"has SHA-256 .*, expected ab61f4200e9c"):
        utils.load_dataset()


@pytest.mark.real_data
@pytest.mark.integration
def test_the_download_is_the_pinned_file(upstream, tmp_path):
    shutil.copy(local_source().path, tmp_path / FILE_NAME)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        code = (
            f"import sys; sys.path.insert(0, {str(upstream)!r}); import utils\n"
            f"utils.URL_FOLDER = 'http://127.0.0.1:{server.server_address[1]}/'\n"
            "print(len(utils.load_dataset()['items']))"
        )
        done = run_python("-c", code, RECIPE_MPR_DATA="", HF_HUB_OFFLINE="0", HF_HOME=str(tmp_path / "home"),
                          RECIPE_MPR_AUTOLOAD="0", no_proxy="127.0.0.1")  # fmt: skip
        server.shutdown()
    assert done.stdout.strip() == "500", done.stderr


# --- the kit for the Hub ---


@pytest.mark.real_data
def test_the_hub_dataset_loads_and_is_balanced(tmp_path):
    write_kit(hub_files(load_items(), None), tmp_path / "kit")
    rows = datasets.load_dataset(str(tmp_path / "kit"), cache_dir=str(tmp_path / "cache"))["test"]
    for row, item in zip(rows, load_items(), strict=True):
        shown = display(item, "shuffled")
        assert row == {
            "item_id": item.item_id, "query": item.query, "options": [o.text for o in shown.options],
            "option_ids": [o.recipe_id for o in shown.options], "answer": shown.gold_letter,
            "query_types": list(item.query_types), "part": part_of(item.item_id), "fold": fold_of(item.item_id),
        }  # fmt: skip
    assert Counter(rows["answer"]) == dict.fromkeys("ABCDE", 100)
    assert Counter(rows["part"]) == {"train": 400, "validation": 50, "test": 50}


def test_the_card_has_licence_citation_and_warning(sample_files):
    _, front, body = sample_files["README.md"].split("---\n", 2)
    card = yaml.safe_load(front)
    assert (card["license"], card["language"]) == ("apache-2.0", ["en"])
    assert card["dataset_info"]["splits"][0]["num_examples"] == len(load_sample())
    for text in ("10.1145/3539618.3591880", "lists the right option first in all", "Apache License 2.0", "OWNER/NAME"):
        assert text in body
    assert not any("correctness_explanation" in str(feature) for feature in card["dataset_info"]["features"])


def test_eval_yaml_asks_as_recipe_mpr_generate(sample_files):
    config = yaml.safe_load(sample_files["eval.yaml"])
    assert config.keys() == {"name", "description", "evaluation_framework", "tasks"}
    assert tuple(task["id"] for task in config["tasks"]) == BENCHMARK_TASKS
    (task,) = config["tasks"]
    template = task["solvers"][0]["args"]["template"]
    for item in load_sample():
        document = record_of(display(item, "shuffled"))
        lines = "\n".join(map("{}) {}".format, document["letters"], document["options"]))
        asked = template.format(question=document["query"], choices=lines, letters="A,B,C,D,E")
        assert asked == prompts.render("generate", document)


def test_euroevals_config_names_columns_of_the_data(sample_files):
    (call,) = [n for n in ast.walk(ast.parse(sample_files["euroeval_config.py"])) if isinstance(n, ast.Call)]
    settings = {k.arg: ast.literal_eval(k.value) for k in call.keywords if isinstance(k.value, ast.Constant | ast.List)
                and k.arg != "languages"}  # fmt: skip
    columns = {
        f["name"] for f in yaml.safe_load(sample_files["README.md"].split("---\n")[1])["dataset_info"]["features"]
    }
    assert {settings[f"{name}_column"] for name in ("input", "choices", "target")} <= columns
    assert settings["labels"] == list("abcde")


def test_the_hub_kit_needs_the_dataset(tmp_path):
    said = spoken("kit", ["hub", str(tmp_path / "kit")])
    assert "its download failed" in said
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("name", ["recipe-mpr", "a/b/c", "a b/c", "../x", ""])
def test_ids_of_the_hub_have_an_owner(name):
    assert checked_id("my-team/recipe-mpr") == "my-team/recipe-mpr"
    with pytest.raises(RecipeMPRError, match=r"not a dataset id.*allowed: OWNER/NAME"):
        checked_id(name)


@pytest.mark.real_data
@pytest.mark.integration
def test_nothing_is_uploaded_without_push(tmp_path):
    with FakeHub() as hub:
        hub.uploads = tmp_path / "hub"
        hub.uploads.mkdir()
        online = hub.environment(tmp_path / "home") | {"HF_TOKEN": "hf_fake"}
        done = run_python(*KIT, "hub", str(tmp_path / "kit"), **online)
        assert (done.returncode, hub.requests) == (0, []), done.stderr
        done = run_python(*KIT, "hub", str(tmp_path / "kit"), "--push", "me/recipe-mpr", "--private", **online)
        assert done.returncode == 0, done.stderr
        assert f"uploaded: {hub.endpoint}/datasets/me/recipe-mpr/commit/" in done.stdout
    created = json.loads((tmp_path / "hub" / "created.json").read_text())
    assert created["type"] == "dataset"
    assert "private" in (
        created.get("visibility"),
        created.get("private") and "private",
    )  # the key depends on the version
    files = {p.relative_to(tmp_path / "kit"): p.read_bytes() for p in (tmp_path / "kit").rglob("*") if p.is_file()}
    sent = tmp_path / "hub" / "files"
    assert {p.relative_to(sent): p.read_bytes() for p in sent.rglob("*") if p.is_file()} == files
    assert b'load_dataset("me/recipe-mpr"' in (sent / "README.md").read_bytes()


@pytest.mark.real_data
@pytest.mark.integration
def test_a_refused_upload_is_one_line(tmp_path):
    with FakeHub() as hub:
        online = hub.environment(tmp_path / "home") | {"HF_TOKEN": "hf_fake"}
        refused = run_python(*KIT, "hub", str(tmp_path / "kit"), "--push", "me/recipe-mpr", **online)
    offline = run_python(*KIT, "hub", str(tmp_path / "kit"), "--push", "me/recipe-mpr", HF_HUB_OFFLINE="1")
    for done, remedy in ((refused, "log in with `hf auth login`"), (offline, "go online and run again")):
        assert done.returncode == 2
        assert "--push me/recipe-mpr: nothing was uploaded" in done.stderr
        assert remedy in done.stderr
        assert "Traceback" not in done.stderr


# --- folders ---


def test_a_kit_replaces_only_a_kit(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "utils.pyc").touch()
    write_kit({"a": "1", "data/b": b"2"}, tmp_path)
    write_kit({"a": "3", "data/b": b"2"}, tmp_path)
    assert (tmp_path / "a").read_text() == "3"
    (tmp_path / "mine").touch()
    with pytest.raises(RecipeMPRError, match="holds mine, which is not part of the kit"):
        write_kit({"a": "4", "data/b": b"2"}, tmp_path)
    assert (tmp_path / "a").read_text() == "3"
    with pytest.raises(RecipeMPRError, match="cannot be written to"):
        write_kit({"a": "4"}, tmp_path / "mine" / "deeper")
