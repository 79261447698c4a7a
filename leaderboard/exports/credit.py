"""Whom a row's number belongs to: of a LoRA run the adapter, never the model under it.

Names come out of result files that anybody can write. An id made here is always `developer/model`, of two parts that
are safe as folder names on any system.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from huggingface_hub.utils import HFValidationError, validate_repo_id

from leaderboard.rank.row import Row
from leaderboard.site.text import line
from leaderboard.verify.naming import HUB
from recipe_mpr_task.files import sha256_of

OURS, LOCAL, IMPORTED = "recipe-mpr", "local", "imported"
"""Developers of what is on no hub: our baselines, folders, and predictions that were brought in."""

_LONGEST_ID = 140
_LONGEST_SLUG = 60
# Names that mean a device on Windows, or something else in every_eval_ever's datastore.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|data|unknown", re.IGNORECASE)


@dataclass(frozen=True)
class Credit:
    """A system as other places address it.

    Attributes:
        developer: first part of the id: the owner on the hub, or OURS, LOCAL or IMPORTED.
        model: second part of the id.
        name: for people.
        base: the model that an adapter or checkpoint was made from; None if it is none, or nobody says.
        is_base_on_hub: whether that name is known to be a hub's id and not a folder's.
        has_card: whether there can be a model card that its numbers go into.
    """

    developer: str
    model: str
    name: str
    base: str | None = None
    is_base_on_hub: bool = False
    has_card: bool = True

    @property
    def id(self) -> str:
        """Developer/model."""
        return f"{self.developer}/{self.model}"

    @property
    def folder(self) -> str:
        """The id as one folder name; different for different ids, no part of which has "--" in it."""
        return f"{self.developer}--{self.model}"


def credited(row: Row) -> Credit:
    """Find whom a row's number belongs to.

    A hub's owner is credited only where the run tells that the model came from a hub: a folder can have any name.
    A system trained here, and every other folder, is told from its namesakes by a hash of what makes it a system.
    """
    name = line(row.system)
    loaded, trained = _mapping(row, "model"), _mapping(row, "training")
    if row.kind == "baseline" and row.status == "clean":  # its scores are those of the committed records
        return Credit(OURS, f"baseline-{_slug(loaded.get('baseline') or row.system)}", name, has_card=False)
    if row.kind == "imported":
        return Credit(IMPORTED, f"{_slug(row.system)}-{_hash(row)}", name)
    part = "adapter" if loaded.get("adapter") else "base"
    is_trained_here = "system" in trained
    base, is_on_hub = _base(loaded, trained)
    if not is_trained_here and loaded.get(f"{part}_from") == HUB and (found := hub_id(loaded.get(part))):
        owner, model = found.split("/")
        return Credit(owner, model, name, *((base, is_on_hub) if part == "adapter" else ()))
    is_made_of_one = is_trained_here or part == "adapter"
    under = (base, is_on_hub) if is_made_of_one else (None, False)
    return Credit(LOCAL, f"{_slug(row.system)}-{_hash(row)}", name, *under, has_card=row.kind != "baseline")


def _base(loaded: dict[str, Any], trained: dict[str, Any]) -> tuple[str | None, bool]:
    """The model under an adapter or checkpoint, and whether it is known to be a hub's."""
    if "system" in trained:
        name, is_on_hub = trained.get("base_model"), trained.get("base_known") is True
    else:
        name, is_on_hub = loaded.get("base"), loaded.get("base_from") == HUB
    return short_name(name, is_on_hub=is_on_hub), is_on_hub


def hub_id(name: Any) -> str | None:
    """Return a name if it can be a hub's `owner/model`, else None. Nobody is asked whether it exists."""
    if not isinstance(name, str) or len(name) > _LONGEST_ID or not name.isascii():
        return None
    parts = name.split("/")
    if len(parts) != 2 or parts[0] in (OURS, LOCAL, IMPORTED) or any(map(_RESERVED.fullmatch, parts)):
        return None
    try:
        validate_repo_id(name)
    except HFValidationError:
        return None
    return name


def short_name(name: Any, *, is_on_hub: bool) -> str | None:
    """Return a hub's id whole, and of any other name the last part, so that no folder names a hub's owner."""
    if not isinstance(name, str) or not name:
        return None
    return (hub_id(name) if is_on_hub else None) or line(PurePosixPath(name[:1000]).name) or None


def _slug(text: Any) -> str:
    words = re.findall(r"[a-z0-9]+", str(text)[:1000].lower())
    return "-".join(words)[:_LONGEST_SLUG].strip("-") or "system"


def _hash(row: Row) -> str:
    trained = _mapping(row, "training")
    # A recipe's run is one system in every prompt and on every board; of others only the row's identity is known.
    system = trained.get("system")
    key = [system, trained.get("form")] if system else [row.extra.get("identity") or row.system]
    return sha256_of(repr(key).encode(errors="replace"))[:8]


def _mapping(row: Row, key: str) -> dict[str, Any]:
    found = row.extra.get(key)
    return found if isinstance(found, dict) else {}
