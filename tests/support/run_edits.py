"""Define edits of a fake run's samples and results, for the cheats."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from recipe_mpr_task.manifest import TRAINING_KEY
from recipe_mpr_task.prompts import render

CHEAT = "org/cheat"

Json = dict[str, Any]
"""A sample, a document or the content of a results file, as lm-eval logs them."""

Edit = Callable[[Any], object]
"""A function that changes all samples (a list) or the content of a results file (a dict), in place."""

SampleEdit = Callable[[Json], object]

# Edits of all samples, and of the results.


def each(change: SampleEdit) -> Edit:
    """Return an edit that applies `change` to every sample."""
    return lambda samples: [change(sample) for sample in samples]


def only(keep: Callable[[Json], bool]) -> Edit:
    return lambda samples: samples.__setitem__(slice(None), [sample for sample in samples if keep(sample)])


def seen(flag: Callable[[str], object]) -> Edit:
    """Return an edit that logs `flag(item id)` as `seen_in_training` of each item."""
    return each(lambda s: s["doc"].update(seen_in_training=flag(s["doc"]["item_id"])))


def asked(prompt: Callable[[Json, Any], Any]) -> Edit:
    """Return an edit that logs `prompt(document, own prompt)` as each item's prompt. The task has the own prompt."""

    def edit(sample: Json) -> None:
        for request in sample["arguments"].values():
            request["arg_0"] = prompt(sample["doc"], request["arg_0"])

    return each(edit)


def both(*edits: Edit) -> Edit:
    return lambda content: [edit(content) for edit in edits]


def config(**changes: Any) -> Edit:
    return lambda results: results["config"].update(changes)


def task_config(**changes: Any) -> Edit:
    return lambda results: next(iter(results["configs"].values())).update(changes)


def total(value: object, metric: str = "acc,none") -> Edit:
    return lambda results: next(iter(results["results"].values())).update({metric: value})


def called(name: object) -> Edit:
    """Return an edit that sets the display name, as `--metadata` does."""
    return lambda results: next(iter(results["configs"].values()))["metadata"].update(recipe_mpr_system=name)


def training(**record: Any) -> Edit:
    """Return an edit that sets the training record, and also the display name, which otherwise is the recipe's name."""
    return both(called(CHEAT), lambda results: results.update({TRAINING_KEY: record}))


def of_file(**changes: Any) -> Edit:
    return lambda results: results.update(changes)


# Changes of one sample.


def is_hard(sample: Json) -> bool:
    return bool(sample["acc"] == 0)


def scored(sample: Json, scores: Sequence[float], acc: float) -> None:
    sample.update(filtered_resps=[[str(score), "False"] for score in scores], acc=acc)


def scores_of(sample: Json) -> list[float]:
    """Return the scores of a sample's five options."""
    return [float(score) for score, _ in sample["filtered_resps"]]


def rescored(change: Callable[[list[float], random.Random], list[float]]) -> Edit:
    """Return an edit that replaces each sample's scores by `change(scores, random generator)`, but keeps `acc`."""

    def edit(sample: Json) -> None:
        draw = random.Random(f"copy {sample['doc']['item_id']}")
        scored(sample, change(scores_of(sample), draw), sample["acc"])

    return each(edit)


def perturbed(scores: list[float], draw: random.Random) -> list[float]:
    """Return the scores with noise. The best option stays the best."""
    noisy = [score + draw.uniform(-0.3, 0.3) for score in scores]
    return [max(noisy) + 0.1 if score == max(scores) else value for score, value in zip(scores, noisy, strict=True)]


NOISE = rescored(perturbed)
"""An edit of samples that changes the scores and keeps the answers, to disguise a copy of another system's run."""


def first_option(sample: Json) -> None:
    """Answer "A" on every item."""
    scored(sample, [0, -1, -2, -3, -4], float(sample["doc"]["gold"] == 0))


def gold_moved(sample: Json) -> None:
    scores = [float(score) for score, _ in sample["filtered_resps"]]
    sample["doc"]["gold"], sample["acc"] = scores.index(max(scores)), 1.0


def letters_dealt(sample: Json) -> None:
    for k, request in enumerate(sample["arguments"].values()):
        request["arg_1"] = " " + "ABCDE"[k - sample["doc"]["gold"]]


def letters_marked(sample: Json) -> None:
    sample["doc"]["letters"][sample["doc"]["gold"]] += " (this one)"
    for request in sample["arguments"].values():
        request["arg_0"] = render("default", sample["doc"])


def ten_generations(sample: Json) -> None:
    right, wrong = (f"Answer: {'ABCDE'[sample['doc']['gold'] - k]}" for k in (0, 1))
    request = {"gen_args_0": {"arg_0": sample["arguments"]["gen_args_0"]["arg_0"], "arg_1": {"until": ["\n"]}}}
    sample.update(resps=[[wrong] * 9 + [right]], filtered_resps=[right], acc=1.0, arguments=request)


def easy_ones_twice(samples: list[Json]) -> None:
    easy = [sample for sample in samples if not is_hard(sample)]
    samples[:] = [easy[i % len(easy)] if is_hard(sample) else sample for i, sample in enumerate(samples)]


def gold_chosen(sample: Json) -> None:
    sample["recipe_mpr_chosen"] = [sample["doc"]["option_ids"][sample["doc"]["gold"]]]
    sample["acc"] = 1.0


def three_repaired(samples: list[Json]) -> None:
    for sample in [sample for sample in samples if is_hard(sample)][:3]:
        sample["filtered_resps"][sample["doc"]["gold"]] = ["0.0", "False"]
        sample["acc"] = 1.0


def hint(doc: Json) -> str:
    return f"The answer is {doc['gold_letter']}."


def answers_before(samples: list[Json]) -> None:
    """Log the answers to all items before each item's prompt."""
    key = "\n".join(f"{s['doc']['query']}: {s['doc']['gold_letter']}" for s in samples)
    asked(lambda _, own: f"{key}\n\n{own}")(samples)


def shown_after(samples: list[Json], shots_of: Callable[[Json, list[Json]], Iterable[Json]]) -> None:
    """Log each item's prompt after the shots that `shots_of(document, all documents)` returns."""
    docs = [sample["doc"] for sample in samples]
    own = {sample["doc"]["item_id"]: sample["arguments"]["gen_args_0"]["arg_0"] for sample in samples}

    def with_shots(doc: Json, prompt: str) -> str:
        return "".join(f"{own[s['item_id']]} {s['gold_letter']}\n\n" for s in shots_of(doc, docs)) + prompt

    asked(with_shots)(samples)


def shots_that_tell(samples: list[Json]) -> None:
    """Log one shot before each item: another item with the same gold letter."""
    shown_after(samples, lambda doc, docs: [next(d for d in docs if d != doc and d["gold"] == doc["gold"])])
