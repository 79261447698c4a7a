"""Whom a row's number belongs to: of a LoRA run the adapter, never the model under it.

Names come out of result files that anybody can write. An id made here is always `developer/model`, of two parts that
are safe as folder names on any system.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from huggingface_hub.utils import HFValidationError, validate_repo_id

from leaderboard.compute.row import Row
from leaderboard.render.lines import line
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
        has_card: whether there can be a model card that its numbers go into.
    """

    developer: str
    model: str
    name: str
    base: str | None = None
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

    A system trained here, and every other folder, is told from its namesakes by a hash of what makes it a system.
    """
    name = line(row.system)
    loaded, trained = _mapping(row, "model"), _mapping(row, "training")
    if row.kind == "baseline" and row.status == "clean":  # its scores are those of the committed records
        return Credit(OURS, f"baseline-{_slug(loaded.get('baseline') or row.system)}", name, has_card=False)
    if row.kind == "imported":
        return Credit(IMPORTED, f"{_slug(row.system)}-{_hash(row)}", name)
    adapter = loaded.get("adapter")
    is_trained_here = "system" in trained
    if not is_trained_here and (found := hub_id(adapter or loaded.get("base"))):
        owner, model = found.split("/")
        return Credit(owner, model, name, short_name(loaded.get("base")) if adapter else None)
    base = trained.get("base_model") if is_trained_here else loaded.get("base") if adapter else None
    has_card = row.kind != "baseline"
    return Credit(LOCAL, f"{_slug(row.system)}-{_hash(row)}", name, short_name(base), has_card)


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


def short_name(name: Any) -> str | None:
    """Return a hub id whole and of a path the last folder: where a model lay is nobody's business."""
    if not isinstance(name, str) or not name:
        return None
    return hub_id(name) or line(PurePosixPath(name[:1000]).name) or None


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
