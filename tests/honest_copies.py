"""Honest systems that answer alike, or share a name, for `test_honest.py`: no word against them."""

from leaderboard.load.records import record_of, write_record
from recipe_mpr_task.plugin import TRAINING_KEY
from tests.exploit_cheats import SYSTEM, UNSEEN
from tests.exploit_copies import NOISE, scores_of
from tests.exploit_edits import both, called, config, each, is_hard, of_file, scored
from tests.fake_runs import run_files, run_in
from tests.honest_cases import Honest

SAMPLE, ALL = "recipe_mpr_sample", "recipe_mpr"


def unmarked(table):
    assert table.rows
    assert [(row.system, row.flags) for row in table.rows if row.flags] == []
    assert all(row.rank for row in table.rows)


def one_counts(table):
    ranked, others = [r for r in table.rows if r.rank], [r for r in table.rows if not r.rank]
    assert [row.flags for row in table.rows] == [()] * len(table.rows)
    assert (len(ranked), len(others)) == (1, 1)
    assert "the same run, read twice" in others[0].reason


def noted(*words):
    """Each row keeps its rank and its only note begins with one of the words."""

    def check(table):
        assert all(row.rank for row in table.rows)
        for row in table.rows:
            (flag,) = row.flags
            assert flag.startswith(words), flag
            assert "copy" not in flag
            assert "like " not in flag

    return check


def perfect(folder):
    for seed, name in enumerate(("org/a", "org/b", "org/c")):
        run_files(folder / name, name=name, skill=1.0, seed=seed)


def strong(folder):
    """Ten labels that everybody disagrees with, in the same way; each system has one more error of its own."""
    for seed, name in enumerate(("org/a", "org/b")):

        def wrong(samples, seed=seed):
            for sample in [*samples[:10], samples[20 + seed]]:
                gold = sample["doc"]["gold"]
                scored(sample, [-1.0 - seed / 9 + 0.5 * (k == (gold + 1) % 5) for k in range(5)], 0.0)

        run_files(folder / name, name=name, skill=1.0, seed=seed, edit_samples=wrong)


def attracted(folder):
    """Three in four wrong choices go to the distractor that attracts everybody, whatever else the systems are."""
    for seed, name in enumerate(("org/a", "org/b", "org/c")):

        def drawn(samples):
            for k, sample in enumerate(filter(is_hard, samples)):
                if k % 4:
                    gold, scores = sample["doc"]["gold"], scores_of(sample)
                    scores[(gold + 1) % 5] = max(scores) + 0.1
                    scored(sample, scores, 0.0)

        run_files(folder / name, ALL, name=name, skill=0.6, seed=seed, edit_samples=drawn)


def answer_one_letter(folder):
    for seed, name in enumerate(("org/a", "org/b")):
        always = lambda s, seed=seed: scored(s, [1.0 + seed, -1, -2 - seed, -3, -4], float(s["doc"]["gold"] == 0))  # noqa: E731
        run_files(folder / name, name=name, seed=seed, edit_samples=each(always))


def sure_and_its_record(folder):
    """Probabilities of 1.0000 on every item, a model in a folder, and the record of the run beside the run."""
    sure = each(lambda s: s.update(filtered_resps=[[str(40 * x), "False"] for x in scores_of(s)]))
    run_files(folder / "run", name="/home/me/models/mine", edit_samples=sure)
    run = run_in(folder / "run")
    write_record(record_of(run.task, run.results, run.samples), folder / "a.record.json")


def trained(**record):
    return of_file(**{TRAINING_KEY: SYSTEM | {"split": "published", "seed": 1} | record})


def two_forms(folder):
    for form, noise in (("adapter", lambda _: None), ("merged", NOISE)):
        run_files(folder / form, name=f"/x/{form}", edit_samples=both(UNSEEN, noise), edit_results=trained(form=form))


def two_dtypes(folder):
    for dtype, noise in (("float32", lambda _: None), ("bfloat16", NOISE)):
        arguments = {"pretrained": "org/model", "dtype": dtype}
        loaded = both(config(model_args=arguments), called(f"model in {dtype}"))
        run_files(folder / dtype, edit_samples=noise, edit_results=loaded)


def several_tasks(folder):
    run_files(folder / "all", ALL)
    run_files(folder / "held-out", "recipe_mpr_test")
    run_files(folder / "sample")


def checkpoints_of_one_name(folder):
    for seed, parent in enumerate(("exp0", "exp1")):
        run_files(folder / parent, name=f"/data/{parent}/checkpoint-500", seed=seed)


def have_their_parents(table):
    unmarked(table)
    assert {row.system for row in table.rows} == {"exp0/checkpoint-500", "exp1/checkpoint-500"}


def names_of_many_scripts(folder):
    for seed, name in enumerate(("org/模型", "org/модель", "org/modelo", "org/μοντέλο")):
        run_files(folder / str(seed), name=name, seed=seed)


def run_again(folder):
    for date in (1.0, 2.0):
        run_files(folder / str(date), date=date)


def earliest_counts(table):
    first, second = table.rows
    assert (first.rank, first.flags, second.rank) == (1, (), None)
    assert second.reason.endswith("of one system's runs the earliest counts")


HONEST = {
    "perfect_systems": Honest("Three perfect systems share every choice, and no wrong one", perfect, unmarked),
    "strong_systems": Honest("Two strong systems err on the same ten items", strong, unmarked),
    "systems_that_one_distractor_attracts": Honest("Most wrong choices go to the same distractor", attracted, unmarked),
    "systems_of_one_letter": Honest("Two systems answer A, whatever is asked", answer_one_letter,
        noted("answers A on 100% of items")),
    "a_sure_model_and_its_record": Honest("A run and its own record count once", sure_and_its_record, one_counts),
    "adapter_and_merged_model": Honest("One training in two forms", two_forms, noted("same model as ")),
    "one_model_in_two_dtypes": Honest("One model, float32 and bfloat16", two_dtypes, noted("same model as ")),
    "one_system_on_several_tasks": Honest("One system's answers on overlapping items", several_tasks, unmarked),
    "checkpoints_of_one_name": Honest("Two checkpoints of one step, of two runs", checkpoints_of_one_name,
        have_their_parents),
    "names_of_many_scripts": Honest("Names that no other resembles", names_of_many_scripts, unmarked),
    "one_run_again": Honest("The same run again gives the same answers", run_again, earliest_counts),
}  # fmt: skip
