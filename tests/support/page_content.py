"""Make up the content of leaderboard pages: many rows, missing values, several boards, a malicious name."""

import json
import random
from typing import Any

from tests.support.run_edits import Json

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'\u202e\n\t"
TYPES = ("Specific", "Commonsense", "Negated", "Analogical", "Temporal", "Untyped")


def row(k: int, board: str = "recipe_mpr", **changes: Any) -> Json:
    draw = random.Random(f"{board}{k}")
    acc = round(max(0.9 - 0.01 * k, 0.05), 4)
    made: Json = {
        "id": f"{board}-{k}", "page": f"systems/{board}-{k}.html", "system": f"org/model-{k:02}", "kind": "causal",
        "status": "unknown", "reason": "no record of its training data", "flags": [], "rank": k + 1,
        "board": board, "task": board, "task_version": 1, "n": 500, "acc": acc, "acc_low": acc - 0.04,
        "acc_high": acc + 0.04, "stderr": 0.02, "chance_corrected": (acc - 0.2) / 0.8,
        "types": {t: {"n": 80, "acc": draw.random(), "low": 0.1, "high": 0.9} for t in TYPES},
        "with_leader": k < 3,
        "vs_leader": {"difference": -0.01 * k, "low": -0.02 * k, "high": 0.01, "p": 0.3, "p_holm": 0.5, "wins": 1,
                      "losses": 2} if k else None,
        "params": 10 ** draw.randint(6, 10) if k % 3 else None, "trainable_params": None, "train_seconds": None,
        "eval_seconds": 12.5 * k, "cost": {"evaluation": {"hardware": "a GPU"}},
        "shots": 0, "prompt": "default", "chat_template": False,
        "source": f"runs/model-{k}/results.json", "name": f"org/model-{k:02}", "beneath": ["made up"],
        "trust": "training data unknown", "evidence": "run here", "rank_low": max(1, k), "rank_high": k + 2,
    }  # fmt: skip
    if "system" in changes:
        made["name"] = changes["system"]
    return made | changes


_BLANK: Json = dict.fromkeys(
    ("rank", "rank_low", "rank_high", "with_leader", "vs_leader", "params", "eval_seconds", "shots")
)


def site_content(n: int = 60) -> Json:
    rows = [row(k) for k in range(n)]
    rows[1] |= {"kind": "encoder", "status": "clean", "protocol": "5 folds pooled", "fold_sd": 0.05}
    rows[2] |= {
        "system": HOSTILE,
        "name": HOSTILE,
        "beneath": [HOSTILE],
        "reason": HOSTILE,
        "flags": [HOSTILE],
        "source": HOSTILE,
        "page": "javascript:alert(3)",
        "origin": "javascript:alert(4)",
    }
    rows[3]["types"]["Temporal"]["acc"] = 10 / 32
    rows += [
        row(
            n,
            status="overlap",
            trust="trained on these items",
            clean_subset={"n": 50, "acc": 0.5, "low": 0.4, "high": 0.6},
            **_BLANK,
        ),
        row(
            n + 1,
            status="reported",
            trust="claim",
            kind="reported",
            system="GPT-3",
            types={},
            page=None,
            evidence="claimed",
            source="a paper of 2023",
            origin="https://example.org/paper",
            **_BLANK,
        ),
        row(n + 2, status="excluded", trust="not comparable", acc=None, acc_low=None, acc_high=None, **_BLANK),
    ]
    position: Json = {"flip_rate": 0.4, "rstd": 0.1, "rstd_low": 0.05, "rstd_high": 0.2, "consistency": 0.6}
    rows += [row(0, "recipe_mpr_circular", perf=0.3, **position),
             row(1, "recipe_mpr_circular", perf=0.5, invariant=True, kind="encoder", **position)]  # fmt: skip
    return {
        "task_version": 1, "floors": {"longest": 0.237}, "target": 0.75, "rows": rows,
        "version": "9.9.9", "built": "2026-01-02", "newest_run": "2026-01-01", "opens_on": "recipe_mpr",
        "no_dataset": False,
        "boards": [board("recipe_mpr", "All 500 items", rows[:n], len(rows) - 2),
                   board("recipe_mpr_circular", "In five rotations", rows[-2:], 2)],
        "claims": [{"system": "GPT-3", "source": "a paper of 2023", "url": "https://example.org/paper",
                    "board": "recipe_mpr", "claimed": {"acc": 0.83, "n": 500, "low": 0.79, "high": 0.86},
                    "recounted": None, "constant_letter": "A", "constant_letter_acc": 1.0, "unseen": None,
                    "follows": "A claim only", "row": None}],
        "skipped": [{"source": HOSTILE, "reason": "not valid JSON"}],
    }  # fmt: skip


def board(key: str, title: str, ranked: list[Json], n: int) -> Json:
    best = ranked[:50]
    cells = [[None if a is b else round(a["acc"] - b["acc"], 4) for b in best] for a in best]
    chances = [[None if a is b else 0.01 if abs(a["acc"] - b["acc"]) > 0.05 else 0.9 for b in best] for a in best]
    best_row = {"row": ranked[0]["id"], "system": ranked[0]["system"], "acc": ranked[0]["acc"]}
    answer: Json = {"lead": "Best measured here:", "name": ranked[0]["name"], "figure": "90.0%",
                    "rest": "(86.0 to 94.0), tied with 2 other systems.", "best": best_row,
                    "facts": [{"label": "Trust", "text": "training data unknown."}]}  # fmt: skip
    return {"board": key, "title": title, "rows": n, "group": "benchmark", "about": "", "answer": answer,
            "rule": {"name": "longest", "acc": 0.237}, "sizes": dict.fromkeys(TYPES, 80),
            "minimal_detectable_effect": dict.fromkeys(("all", *TYPES), 0.1),
            "pairwise": {"ids": [r["id"] for r in best], "difference": cells, "p_holm": chances}}  # fmt: skip


def items(n: int = 40) -> dict[str, Json]:
    shown = [f"{letter}{'0' * 9}" for letter in "abcde"]
    return {
        f"mpr-{k:03}": {"types": [TYPES[k % 5]] if k % 10 else [], "order": "10234", "gold": shown[k % 5],
                        "shown": shown, "query": f"I want dish {k} <b>",
                        "options": {recipe: f"Dish {recipe[0]}" for recipe in shown}}
        for k in range(n)
    }  # fmt: skip


def calibration() -> Json:
    bins = [{"from": 0.7, "to": 0.8, "confidence": 0.8, "acc": 0.35, "n": 40, "low": 0.22, "high": 0.5}]
    return {"error": 0.45, "confidence": 0.8, "acc": 0.35, "bins": bins}


def answers(n: int = 40) -> str:
    """Return the JSON of a system's items, in the format of `RowItems.text`."""
    lines = []
    for k, (item_id, item) in enumerate(items(n).items()):
        right = k % 3 == 0
        chosen = item["gold"] if right else item["shown"][(k + 1) % 5]
        chances = [8000 if recipe == chosen else 500 for recipe in item["shown"]]
        lines.append([item_id, float(right), [chosen], chances, 0])
    return json.dumps(lines)


def system_content(*, hostile: bool = False) -> Json:
    history: list[Json] = [{"step": 10 * k, "loss": 3 / k, "learning_rate": 1e-5 * k} for k in range(1, 8)]
    position = {"answers": [0.2, 0.3, 0.1, 0.2, 0.2], "recall": [0.5, 0.4, 0.3, None, 0.2]}
    named: Json = {"system": HOSTILE, "reason": HOSTILE, "flags": [HOSTILE], "source": HOSTILE} if hostile else {}
    made = {"temperature": 0.7, "until": ["\n\n"]}
    return {
        "row": row(0, generation=made, **named),
        "board_title": "All 500 items",
        "board_name": "recipe-mpr",
        "answers": "recipe_mpr-0.js",
        "position": position,
        "calibration": calibration(),
        "history": history,
        "around": [],
    }


def reported_content() -> Json:
    """Return the content for a reported row, with a training curve and without items."""
    history = [{"step": k, "eval_accuracy": 0.2 + 0.1 * k} for k in range(5)]
    blank: Json = {"rank": None, "vs_leader": None, "with_leader": None, "types": {}, "n": None, "acc_low": None}
    return {"row": row(9, kind="reported", status="reported", system="a published run", **blank), "position": None,
            "answers": None, "history": history, "around": []}  # fmt: skip


def file_order_content() -> Json:
    """Return the content for a run that shows the options in file order, not in the pinned order."""
    made = row(8, "recipe_mpr_file_order", system="in file order")
    return system_content() | {"row": made, "answers": "recipe_mpr_file_order-8.js"}
