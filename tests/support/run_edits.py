"""Edits of a faked run's samples and results, which the cheats are made of."""

import random

from recipe_mpr_task.plugin import TRAINING_KEY
from recipe_mpr_task.prompts import render

CHEAT = "org/cheat"

# Edits of all samples, and of the results.


def each(change):
    return lambda samples: [change(sample) for sample in samples]


def only(keep):
    return lambda samples: samples.__setitem__(slice(None), [sample for sample in samples if keep(sample)])


def seen(flag):
    """Log of each item, by its id, whether it was trained on."""
    return each(lambda s: s["doc"].update(seen_in_training=flag(s["doc"]["item_id"])))


def asked(prompt):
    """Log `prompt(document, the task's own prompt)` as what the model was shown."""
    requests = lambda sample: sample["arguments"].values()  # noqa: E731
    return each(lambda s: [r.update(arg_0=prompt(s["doc"], r["arg_0"])) for r in requests(s)])


def both(*edits):
    return lambda content: [edit(content) for edit in edits]


def config(**changes):
    return lambda results: results["config"].update(changes)


def task_config(**changes):
    return lambda results: next(iter(results["configs"].values())).update(changes)


def total(value, metric="acc,none"):
    return lambda results: next(iter(results["results"].values())).update({metric: value})


def called(name):
    """The display name that `--metadata` can give."""
    return lambda results: next(iter(results["configs"].values()))["metadata"].update(recipe_mpr_system=name)


def training(**record):
    """What the results file says of the training; the system keeps its name, which would else be the recipe's."""
    return both(called(CHEAT), lambda results: results.update({TRAINING_KEY: record}))


def of_file(**changes):
    return lambda results: results.update(changes)


# Changes of one sample.


def is_hard(sample):
    return sample["acc"] == 0


def scored(sample, scores, acc):
    sample.update(filtered_resps=[[str(score), "False"] for score in scores], acc=acc)


def scores_of(sample):
    """Return the scores of a sample's five options."""
    return [float(score) for score, _ in sample["filtered_resps"]]


def rescored(change):
    """Replace each sample's scores by `change(scores, random generator)`; what was right stays so."""

    def edit(sample):
        draw = random.Random(f"copy {sample['doc']['item_id']}")
        scored(sample, change(scores_of(sample), draw), sample["acc"])

    return each(edit)


def perturbed(scores, draw):
    """Scores with noise, the best still the best."""
    noisy = [score + draw.uniform(-0.3, 0.3) for score in scores]
    return [max(noisy) + 0.1 if score == max(scores) else value for score, value in zip(scores, noisy, strict=True)]


NOISE = rescored(perturbed)
"""An edit of samples: another's answers with other scores."""


def first_option(sample):
    """Answer "A", whatever is asked."""
    scored(sample, [0, -1, -2, -3, -4], float(sample["doc"]["gold"] == 0))


def gold_moved(sample):
    scores = [float(score) for score, _ in sample["filtered_resps"]]
    sample["doc"]["gold"], sample["acc"] = scores.index(max(scores)), 1.0


def letters_dealt(sample):
    for k, request in enumerate(sample["arguments"].values()):
        request["arg_1"] = " " + "ABCDE"[k - sample["doc"]["gold"]]


def letters_marked(sample):
    sample["doc"]["letters"][sample["doc"]["gold"]] += " (this one)"
    for request in sample["arguments"].values():
        request["arg_0"] = render("default", sample["doc"])


def ten_generations(sample):
    right, wrong = (f"Answer: {'ABCDE'[sample['doc']['gold'] - k]}" for k in (0, 1))
    request = {"gen_args_0": {"arg_0": sample["arguments"]["gen_args_0"]["arg_0"], "arg_1": {"until": ["\n"]}}}
    sample.update(resps=[[wrong] * 9 + [right]], filtered_resps=[right], acc=1.0, arguments=request)


def easy_ones_twice(samples):
    easy = [sample for sample in samples if not is_hard(sample)]
    samples[:] = [easy[i % len(easy)] if is_hard(sample) else sample for i, sample in enumerate(samples)]


def gold_chosen(sample):
    sample["recipe_mpr_chosen"] = [sample["doc"]["option_ids"][sample["doc"]["gold"]]]
    sample["acc"] = 1.0


def three_repaired(samples):
    for sample in [sample for sample in samples if is_hard(sample)][:3]:
        sample["filtered_resps"][sample["doc"]["gold"]] = ["0.0", "False"]
        sample["acc"] = 1.0


def hint(doc):
    return f"The answer is {doc['gold_letter']}."


def answers_before(samples):
    """Log the answers to all items as what stands before each."""
    key = "\n".join(f"{s['doc']['query']}: {s['doc']['gold_letter']}" for s in samples)
    asked(lambda _, own: f"{key}\n\n{own}")(samples)


def shown_after(samples, shots_of):
    """Log each item behind the shots that `shots_of(document, all documents)` gives."""
    docs = [sample["doc"] for sample in samples]
    own = {sample["doc"]["item_id"]: sample["arguments"]["gen_args_0"]["arg_0"] for sample in samples}
    shots = lambda doc: "".join(f"{own[s['item_id']]} {s['gold_letter']}\n\n" for s in shots_of(doc, docs))  # noqa: E731
    asked(lambda doc, prompt: shots(doc) + prompt)(samples)


def shots_that_tell(samples):
    """Show before each item another one with the same gold letter."""
    shown_after(samples, lambda doc, docs: [next(d for d in docs if d != doc and d["gold"] == doc["gold"])])
