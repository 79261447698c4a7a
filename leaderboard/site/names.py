"""Split a system's name for display: the name itself, and the details that distinguish systems with the same name."""

from functools import lru_cache
from importlib.resources import files

import yaml

from leaderboard.rank.duplicates import is_repeat
from leaderboard.rank.row import Row
from leaderboard.site.text import percent
from leaderboard.verify.statuses import STATUSES


def base_of(row: Row) -> str | None:
    """Return the name of the base model of a trained system or an adapter; None if unknown or if there is none."""
    trained = row.training.base_model if row.training else None
    return trained or (row.loaded.base if row.loaded.adapter else None)


def name_of(row: Row) -> str:
    """Return the system's name without the base model in brackets. `beneath` returns the base model.

    If a shipped recipe trained a model other than the recipe's own, the name is "MODEL with RECIPE". The recipe's name
    alone would suggest the wrong model.
    """
    base = base_of(row)
    short = (row.system.removesuffix(f" ({base})") if base else row.system).strip() or row.system
    usual = _model_of_recipe(short)
    if base and usual and not _last_part(base).startswith(_last_part(usual)):
        return f"{_last_part(base).partition(' (')[0]} with {short}"
    return short


@lru_cache
def _model_of_recipe(name: str) -> str | None:
    """Return the model of the shipped recipe with this name; None if no shipped recipe has this name."""
    recipes = {file.name.removesuffix(".yaml"): file for file in (files("harness_configs") / "recipes").iterdir()}
    return yaml.safe_load(recipes[name].read_text()).get("model") if name in recipes else None


def _last_part(model: str) -> str:
    return model.rpartition("/")[2]


def seed_of(row: Row) -> str:
    """Return the training seed, such as "seed 1", if several seeds of the recipe are known; else ""."""
    return f"seed {row.keys.seed}" if row.tries and (row.tries.seeds_known or 0) > 1 else ""


def beneath(row: Row) -> list[str]:
    """Return the texts beneath the name: base model, protocol, seed, prompt settings, "recounted"."""
    base, asked = base_of(row), row.asked
    is_prompted = row.kind == "causal"
    spread = f", sd {percent(row.spread.sd)}" if row.spread else ""
    parts = (
        base if base and base not in name_of(row) else "",
        f"{row.protocol}{spread}" if row.protocol else "",
        seed_of(row),
        f"{asked.shots} shots" if is_prompted and asked.shots else "",
        f"prompt {asked.prompt}" if is_prompted and asked.prompt not in (None, "default") else "",
        "chat template" if asked.chat_template else "",
        "system text" if asked.system_text else "",
        "recounted" if row.evidence == "recounted" and row.kind == "imported" else "",
    )
    return [part for part in parts if part]


def trust_of(row: Row) -> str:
    """Return the words for a row's status.

    A clean baseline gets "never trained" instead of "held out". A repeated run gets "repeated run".
    """
    if is_repeat(row):
        return "repeated run"
    return "never trained" if (row.kind, row.status) == ("baseline", "clean") else STATUSES[row.status].words
