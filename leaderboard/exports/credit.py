"""Whom a row's number belongs to: of a LoRA run the adapter, never the model under it.

Names come out of result files that anybody can write. An id made here is always `developer/model`, of two parts that
are safe as folder names on any system.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from huggingface_hub.utils import HFValidationError, validate_repo_id

from leaderboard.rank.row import Row
from leaderboard.site.text import line
from leaderboard.verify.naming import HUB
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.names import slug
from recipe_mpr_task.result_records import TrainingRecord

OURS, LOCAL, IMPORTED = "recipe-mpr", "local", "imported"
"""Developers of systems that are on no hub: our baselines, folders, imported predictions."""

_LONGEST_ID = 140
# Names that mean a device on Windows, or something else in every_eval_ever's datastore.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|data|unknown", re.IGNORECASE)


@dataclass(frozen=True)
class Credit:
    """A system as other places address it.

    Attributes:
        developer: first part of the id: the owner on the hub, or OURS, LOCAL or IMPORTED.
        model: second part of the id.
        name: for people.
        base: the model that an adapter or checkpoint was made from; None if there is none, or it is not known.
        is_base_on_hub: whether `base` is known to be a hub's id and not a folder's.
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


class CreditedRow(NamedTuple):
    """A row, and whom its number belongs to."""

    row: Row
    credit: Credit

    @classmethod
    def of(cls, row: Row) -> "CreditedRow":
        """Credit a row."""
        return cls(row, credited(row))


def credited(row: Row) -> Credit:
    """Return whom a row's number belongs to.

    A hub's owner is credited only where the run tells that the model came from a hub: a folder can have any name.
    A system trained here, and every other folder, is told from its namesakes by a hash of what makes it a system.
    """
    name, loaded = line(row.system), row.loaded
    if row.kind == "baseline" and row.status == "clean":  # its scores are those of the committed records
        return Credit(OURS, f"baseline-{slug((loaded.baseline or row.system).lower())}", name, has_card=False)
    if row.kind == "imported":
        return Credit(IMPORTED, f"{slug(row.system.lower())}-{_hash(row)}", name)
    is_adapter, is_trained_here = bool(loaded.adapter), is_trained(row)
    own, source = (loaded.adapter, loaded.adapter_from) if is_adapter else (loaded.base, loaded.base_from)
    base, is_base_on_hub = _base(row)
    if not is_trained_here and source == HUB and (address := hub_id(own)):
        owner, model = address.split("/")
        return Credit(owner, model, name, *((base, is_base_on_hub) if is_adapter else ()))
    under = (base, is_base_on_hub) if is_trained_here or is_adapter else (None, False)
    return Credit(LOCAL, f"{slug(row.system.lower())}-{_hash(row)}", name, *under, has_card=row.kind != "baseline")


def is_trained(row: Row) -> bool:
    """Say whether a training manifest was read: the system was trained by our recipes."""
    return _training(row).has_manifest


def _training(row: Row) -> TrainingRecord:
    return row.training or TrainingRecord()


def _base(row: Row) -> tuple[str | None, bool]:
    """The model under an adapter or checkpoint, and whether it is known to be a hub's."""
    trained = _training(row)
    if trained.has_manifest:
        name, is_on_hub = trained.base_model, trained.base_known is True
    else:
        name, is_on_hub = row.loaded.base, row.loaded.base_from == HUB
    return short_name(name, is_on_hub=is_on_hub), is_on_hub


def hub_id(name: str | None) -> str | None:
    """Return a name if it can be a hub's `owner/model`, else None. No hub is asked whether it exists."""
    if not name:
        return None
    try:
        validate_repo_id(name)
    except HFValidationError:
        return None
    owner, _, model = name.partition("/")
    is_address = bool(model) and len(name) <= _LONGEST_ID and name.isascii()
    if not is_address or owner in (OURS, LOCAL, IMPORTED) or any(map(_RESERVED.fullmatch, (owner, model))):
        return None
    return name


def short_name(name: str | None, *, is_on_hub: bool) -> str | None:
    """Return a hub's id whole, and of any other name the last part, so that no folder names a hub's owner."""
    if not name:
        return None
    return (hub_id(name) if is_on_hub else None) or line(PurePosixPath(name[:1000]).name) or None


def _hash(row: Row) -> str:
    trained = _training(row)
    # A recipe's run is one system in every prompt and on every board; of others only the row's identity is known.
    key = [trained.system, trained.form] if trained.system else [row.keys.identity[:12] or row.system]
    return sha256_of(repr(key).encode(errors="replace"))[:8]
