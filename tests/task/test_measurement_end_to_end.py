"""Every task through the real commands: tiny Qwen3, baseline, MiniLM, and a chat server on loopback."""

import http.server
import json
import re
import threading

import pytest

from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.site.page_data import row_object
from recipe_mpr_task.data import load_items
from tests.support.commands import run_python

LETTER_TASKS = (
    "recipe_mpr,recipe_mpr_circular,recipe_mpr_options_only,recipe_mpr_prompts,recipe_mpr_test,recipe_mpr_fold1"
)
pytestmark = pytest.mark.real_data


def test_every_task_runs_with_a_causal_model_and_limit_counts_whole_items(lm_eval, tiny_qwen):
    tasks = f"{LETTER_TASKS},recipe_mpr_cloze,recipe_mpr_generate"
    more = [
        "--limit",
        "3",
        "--batch_size",
        "8",
        "--device",
        "cpu",
        "--gen_kwargs",
        "max_gen_toks=8",
        "--num_fewshot",
        "2",
    ]
    run = lm_eval("hf", f"pretrained={tiny_qwen}", tasks, *more)
    assert set(run.results["n-samples"]) >= {"recipe_mpr_circular", "recipe_mpr_cloze", "recipe_mpr_generate"}
    for task, counts in run.results["n-samples"].items():
        assert counts["effective"] == 3, task
    assert len(run.samples("recipe_mpr_circular")[0]["filtered_resps"]) == 25
    assert run.results["results"]["recipe_mpr_circular"]["rstd_stderr,none"] == "N/A"
    assert run.results["results"]["recipe_mpr_circular"]["perf_stderr,none"] != "N/A"
    assert "parse_fail,none" in run.results["results"]["recipe_mpr_generate"]


@pytest.mark.parametrize("shots", ["0", "2"])
def test_baseline_and_encoder_on_every_option_task(lm_eval, minilm, shots):
    tasks = f"{LETTER_TASKS},recipe_mpr_cloze"
    for model, arguments in (("recipe-mpr-baseline", "kind=first"), ("recipe-mpr-encoder", f"pretrained={minilm}")):
        run = lm_eval(model, arguments, tasks, "--limit", "3", "--num_fewshot", shots)
        assert all(counts["effective"] == 3 for counts in run.results["n-samples"].values())


def test_constant_letter_on_circular_and_what_the_leaderboard_says_of_it(lm_eval):
    run = lm_eval("recipe-mpr-baseline", "kind=first", "recipe_mpr_circular,recipe_mpr_options_only")
    expected = {"acc": 0.2, "acc_averaged": 0.2, "perf": 0, "flip_rate": 1, "consistency": 0, "invalid": 0}
    assert {key: run.acc("recipe_mpr_circular", key) for key in expected} == pytest.approx(expected)
    found, skipped = read_rows([run.folder])
    rows = {row.task: row for board in build_boards(found) for row in board.rows}
    assert not skipped
    row = rows["recipe_mpr_circular"]
    assert (row.rank, row.score.acc, row.metrics["perf"].value, row.is_invariant) == (1, pytest.approx(0.2), 0, False)
    assert row.metrics["rstd"].value == pytest.approx(0.4)
    assert row.metrics["rstd"].low <= row.metrics["rstd"].value + 1e-12
    assert row.metrics["rstd"].high >= row.metrics["rstd"].value - 1e-12


def test_encoder_is_invariant_blind_without_the_query_and_without_acc_norm(lm_eval, minilm):
    run = lm_eval(
        "recipe-mpr-encoder", f"pretrained={minilm}", "recipe_mpr_circular,recipe_mpr_options_only,recipe_mpr_cloze"
    )
    assert run.acc("recipe_mpr_circular") == run.acc("recipe_mpr_circular", "acc_averaged") == pytest.approx(0.418)
    assert run.acc("recipe_mpr_options_only") < 0.35
    rows = [row for board in build_boards(read_rows([run.folder])[0]) for row in board.rows]
    by_task = {row.task: row for row in rows if row.kind == "encoder"}
    assert by_task["recipe_mpr_circular"].is_invariant is True
    assert by_task["recipe_mpr_cloze"].score.acc == pytest.approx(0.418)
    assert not any("acc_norm" in row_object(row) for row in by_task.values())


def test_prompt_spread_needs_all_templates(lm_eval, tmp_path):
    run = lm_eval("recipe-mpr-baseline", "kind=tfidf", "recipe_mpr_prompts")
    rows = [row for b in build_boards(read_rows([run.folder])[0]) for row in b.rows if row.rank]
    (row,) = rows
    assert (row.board, row.task, row.score.n) == ("recipe_mpr_prompts", "recipe_mpr_prompts", 500)
    assert row.spread.accs.keys() == {"default", "mmlu", "numbered", "options_first", "system"}
    assert (row.spread.mean, row.spread.sd) == (pytest.approx(row.score.acc), 0)
    part = lm_eval("recipe-mpr-baseline", "kind=tfidf", "recipe_mpr_prompt_mmlu")
    listed = [r for b in build_boards(read_rows([part.folder])[0]) for r in b.rows if r.kind != "reported"]
    assert [(row.status, row.rank) for row in listed] == [("excluded", None)]
    assert "prompts missing" in listed[0].reason


@pytest.mark.integration
@pytest.mark.parametrize("model", ["recipe-mpr-baseline", "recipe-mpr-encoder"])
def test_models_without_text_say_so_in_one_line(model, minilm):
    arguments = {"recipe-mpr-baseline": "kind=first", "recipe-mpr-encoder": f"pretrained={minilm}"}[model]
    done = run_python(
        "-m",
        "recipe_mpr_task.cli",
        "run",
        "--model",
        model,
        "--model_args",
        arguments,
        "--tasks",
        "recipe_mpr_generate",
    )
    assert done.returncode == 2
    assert f"{model} scores options and cannot generate text" in done.stderr.splitlines()[-1]
    assert "loglikelihood requests" not in done.stderr, "before any time is spent"


class _ChatServer(http.server.BaseHTTPRequestHandler):
    """Answers with the letter of the option that holds the gold text, thinking aloud first."""

    gold: dict[str, str] = {}  # noqa: RUF012 (filled by the test)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        query = re.search(r"Question: (.*)", prompt)[1]
        letter = next(m[1] for m in re.finditer(r"^([A-E])\) (.*)$", prompt, re.M) if m[2] == self.gold[query])
        text = f"<think>A? B? The answer is A.</think>\n\nThe answer is **{letter}**."
        reply = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


def test_generate_through_a_chat_server(lm_eval, monkeypatch):
    _ChatServer.gold = {i.query: next(o.text for o in i.options if o.recipe_id == i.gold) for i in load_items()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _ChatServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    run = lm_eval(
        "local-chat-completions", f"model=oracle,base_url={url},num_concurrent=4", "recipe_mpr_generate",
        "--apply_chat_template", "--limit", "20",
    )  # fmt: skip
    server.shutdown()
    assert (run.acc("recipe_mpr_generate"), run.acc("recipe_mpr_generate", "parse_fail")) == (1.0, 0.0)


def test_run_writes_what_lm_eval_writes(lm_eval, tmp_path):
    theirs = lm_eval("recipe-mpr-baseline", "kind=bm25", "recipe_mpr,recipe_mpr_circular")
    done = run_python(
        "-m", "recipe_mpr_task.cli", "run", "--config", "bm25", "--tasks", "recipe_mpr,recipe_mpr_circular",
        "--output_path", str(tmp_path), RECIPE_MPR_AUTOLOAD="0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (file,) = tmp_path.rglob("results_*.json")
    ours = json.loads(file.read_text())
    assert json.dumps(ours["results"]) == json.dumps(theirs.results["results"])
    assert ours["task_hashes"] == theirs.results["task_hashes"]
