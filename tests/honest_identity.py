"""Honest runs that one could take for one another: what is two stays two, what is one stays one."""

from leaderboard.command import _write_records
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.plugin import MODEL_KEY
from recipe_mpr_task.prompts import template
from tests.checkpoints import clean_log
from tests.exploit_edits import both, called, config, each, of_file, seen, task_config, three_repaired
from tests.exploit_schemes import ALL, renamed
from tests.fake_runs import run_files
from tests.honest_cases import Honest


def loaded(content):
    """What the plugin records of a model whose files have this content."""
    record = {"sha256": content * 64, "files": {"pretrained/model.safetensors": content * 64}, "handed_over": False}
    return of_file(**{MODEL_KEY: record | {"request_cache": False, "random_weights": False}})


def two(first, second, *, records=False):
    """Two runs of different answers, each with its arguments of `run_files`; or the records of them."""

    def build(folder):
        runs = folder.parent / "logs" if records else folder
        for k, changes in enumerate((first, second)):
            run_files(runs / str(k), **{"seed": k, "date": 1.0 + k} | changes)
        if records:
            assert _write_records([runs], folder) == []

    return build


def two_recipes(folder):
    """Two recipes on one base, which err alike: three items apart."""
    for k, name in enumerate(("plain", "with a trick")):
        log = clean_log(
            system=f"{k}" * 64, family=f"{k}" * 64, recipe_name=name, weights={"m.safetensors": f"{k}" * 64}
        )
        unseen = lambda s, k=k: [seen(lambda _: 0)(s), three_repaired(s) if k else None]  # noqa: E731
        run_files(folder / name, name=f"/x/{k}", date=1.0 + k, edit_samples=unseen, edit_results=of_file(**log))


def told_as_related(table):
    assert [row.status for row in table.rows] == ["clean"] * 2
    for row in table.rows:
        assert [flag.split(" as ")[0] for flag in row.flags] == ["trained from the same base"], row.flags


def written(k):
    """Answers in words, right on two thirds of the items, on others in each run."""

    def answer(sample):
        right = bool((sample["doc_id"] + k) % 3)
        text = f"Answer: {LETTERS[sample['doc']['gold'] - (not right)]}"
        request = {"gen_args_0": sample["arguments"]["gen_args_0"] | {"arg_1": {"until": ["\n"]}}}
        sample.update(resps=[[text]], filtered_resps=[text], acc=float(right), arguments=request)

    return each(answer)


def greedy_and_sampled(folder):
    """One model that writes its answers, greedily and drawn by temperature."""
    for k, settings in enumerate(({"do_sample": False}, {"do_sample": True, "temperature": 0.7})):
        described = task_config(output_type="generate_until", generation_kwargs=settings)
        shown = {"shown": "generate", "prompt": template("generate")}
        run_files(folder / str(k), ALL, date=1.0 + k, edit_samples=written(k), edit_results=described, **shown)
        renamed(folder / str(k), "recipe_mpr_generate")


def both_rank(table):
    assert [row.rank for row in table.rows] in ([1, 2], [1, 1]), [row.reason for row in table.rows]
    assert [row.status for row in table.rows] == ["unknown"] * 2


def one_counts(table):
    assert [row.rank for row in table.rows] == [1, None]
    assert "repeat of" in table.rows[1].reason


STEP = {"name": "/exp0/checkpoint-500"}, {"name": "/exp1/checkpoint-500"}
SERVED = {"model": "local-completions", "name": "default"}


def served(url, name=None):
    arguments = config(model_args={"model": "default", "base_url": url})
    return SERVED | {"edit_results": both(arguments, called(name)) if name else arguments}


def adapter(path):
    return {"edit_results": config(model_args={"pretrained": "org/base", "peft": path})}


def precision(dtype):
    return {"edit_results": config(model_dtype=dtype)}


def encoder_lengths(folder):
    for k, length in enumerate((16, 256)):
        edits = config(model_args={"pretrained": "org/e", "max_length": length}, recipe_mpr_head="bi_encoder")
        run_files(folder / str(k), model="recipe-mpr-encoder", seed=k, date=1.0 + k, edit_results=edits)


def two_seeds(folder):
    for k in range(2):
        log = clean_log(system=f"{k}" * 64, seed=k, weights={"m.safetensors": f"{k}" * 64})
        unseen = seen(lambda _: 0)
        run_files(folder / str(k), name=f"/x/{k}", seed=k, edit_samples=unseen, edit_results=of_file(**log))


def two_seeds_unmarked(table):
    assert [(row.status, row.flags) for row in table.rows] == [("clean", ())] * 2


def again_without_the_cache(folder):
    """A run with --use_cache, and the same model run again without it: the second is known to be its own."""
    unseen = seen(lambda _: 0)
    for k, cache in enumerate(("/tmp/shared", None)):
        edits = both(of_file(**clean_log()), config(use_cache=cache))
        changes = {"edit_samples": unseen, "edit_results": edits}
        run_files(folder / str(k), name="/x/m", seed=k, skill=0.9 - k / 4, date=1.0 + k, **changes)


def the_second_counts(table):
    assert [(row.status, row.extra["date"]) for row in table.rows if row.rank] == [("clean", 2.0)]


HONEST = {
    "encoders_of_two_lengths": Honest("How much an encoder reads is part of it", encoder_lengths, both_rank),
    "two_seeds_of_one_recipe": Honest("Seeds share their recipe's name", two_seeds, two_seeds_unmarked),
    "again_without_the_cache": Honest("The remedy is taken", again_without_the_cache, the_second_counts),
    "model_arguments_as_text": Honest(
        "One API model, its arguments as a mapping and as text: its earliest run counts",
        two({"model": "local-completions", "edit_results": config(
                model_args={"model": "m", "tokenizer_backend": None, "tokenized_requests": False})},
            {"model": "local-completions", "edit_results": config(
                model_args="model=m,tokenizer_backend=None,tokenized_requests=False")}), one_counts),
    "checkpoints_of_two_experiments": Honest("One folder name, two places", two(*STEP), both_rank),
    "checkpoints_of_two_experiments_as_records": Honest("Records keep no paths", two(*STEP, records=True), both_rank),
    "checkpoints_told_by_content": Honest(
        "One path, trained further in between",
        two({"name": "/exp/last", "edit_results": loaded("1")}, {"name": "/exp/last", "edit_results": loaded("2")}),
        both_rank),
    "checkpoints_told_by_content_as_records": Honest(
        "The same as records",
        two({"name": "/exp/last", "edit_results": loaded("1")}, {"name": "/exp/last", "edit_results": loaded("2")},
            records=True), both_rank),
    "folder_that_was_moved": Honest(
        "The same files at another place are the same system: its earliest run counts",
        two({"name": "/a/model", "edit_results": loaded("1")}, {"name": "/b/other", "edit_results": loaded("1")}),
        one_counts),
    "two_adapters_of_one_name": Honest(
        "Adapters in folders of one name", two(adapter("/a/adapter"), adapter("/b/adapter")), both_rank),
    "two_adapters_of_one_name_as_records": Honest(
        "The same as records", two(adapter("/a/adapter"), adapter("/b/adapter"), records=True), both_rank),
    "two_servers": Honest(
        "Both say model=default", two(served("http://localhost:8000/v1"), served("http://localhost:9000/v1")),
        both_rank),
    "one_server_two_models": Honest(
        "One address, another model behind it later, told by name",
        two(served("http://localhost:8000/v1", "ours-7b"), served("http://localhost:8000/v1", "ours-70b")), both_rank),
    "two_precisions": Honest(
        "One model in bfloat16 and float32", two(precision("torch.bfloat16"), precision("torch.float32")), both_rank),
    "two_recipes_on_one_base": Honest(
        "Two recipes on one base model share their wrong choices", two_recipes, told_as_related),
    "greedy_and_sampled": Honest("How an answer was drawn is part of a system", greedy_and_sampled, both_rank),
    "quantised_and_whole": Honest(
        "One model in 4 bits and whole",
        two({}, {"edit_results": config(model_args={"pretrained": "org/model", "load_in_4bit": True})}), both_rank),
}  # fmt: skip
