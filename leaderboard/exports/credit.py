"""Decide which system is credited with a row's score. For a LoRA run, credit the adapter, not the base model.

A credited id has the form `developer/model`. Names come from untrusted results files, so both parts are made safe as
folder names on any operating system.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from huggingface_hub.utils import HFValidationError, validate_repo_id

from leaderboard.rank.row import Row
from leaderboard.site.text import line
from leaderboard.verify.identity import HUB
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.names import slug

OURS, LOCAL, IMPORTED = "recipe-mpr", "local", "imported"
"""Developer names of systems that are not on a hub: our baselines, models in folders, imported predictions."""

_LONGEST_ID = 140
# Names of devices on Windows, and names with a special meaning in every_eval_ever's datastore.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|data|unknown", re.IGNORECASE)


@dataclass(frozen=True)
class Credit:
    """A credited system, as the export formats identify systems.

    Attributes:
        developer: first part of the id: the owner on the hub, or OURS, LOCAL or IMPORTED.
        model: second part of the id.
        name: display name.
        base: the base model of an adapter or checkpoint; None if there is no base model or its name is unknown.
        is_base_on_hub: whether `base` is known to be a hub id, not a folder's name.
        has_card: whether the system can have a model card.
    """

    developer: str
    model: str
    name: str
    base: str | None = None
    is_base_on_hub: bool = False
    has_card: bool = True

    @property
    def id(self) -> str:
        """The id `developer/model`."""
        return f"{self.developer}/{self.model}"

    @property
    def folder(self) -> str:
        """The id as one folder name. The name is unique, because no part of an id contains "--"."""
        return f"{self.developer}--{self.model}"


CreditedRow = tuple[Row, Credit]


def credited(row: Row) -> Credit:
    """Return the system that is credited with a row's score.

    A hub's owner is credited only if the run recorded that the model came from a hub, because a local folder can have
    the name of a hub model. The ids of other systems, except clean baselines, end in a hash. The hash distinguishes
    systems with the same name.
    """
    name, loaded, training = line(row.system), row.loaded, row.training
    if row.kind == "baseline" and row.status == "clean":  # a clean baseline has the committed scores
        return Credit(OURS, f"baseline-{slug((loaded.baseline or row.system).lower())}", name, has_card=False)
    hashed = f"{slug(row.system.lower())}-{_hash(row)}"
    if row.kind == "imported":
        return Credit(IMPORTED, hashed, name)
    own, source = (loaded.adapter, loaded.adapter_from) if loaded.adapter else (loaded.base, loaded.base_from)
    base, is_base_on_hub = loaded.base, loaded.base_from == HUB
    if training and training.has_manifest:
        base, is_base_on_hub, source = training.base_model, training.base_known is True, None
    elif not loaded.adapter:
        base, is_base_on_hub = None, False
    under = (short_name(base, is_on_hub=is_base_on_hub), is_base_on_hub)
    if source == HUB and (address := hub_id(own)):
        owner, model = address.split("/")
        return Credit(owner, model, name, *under)
    return Credit(LOCAL, hashed, name, *under, has_card=row.kind != "baseline")


def hub_id(name: str | None) -> str | None:
    """Return the name if it has a hub id's form `owner/model` and no reserved part, else None. No network is used."""
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
    """Return a hub id unchanged, else the path's last part, so that no folder looks like an owner. None stays None."""
    if not name:
        return None
    return (hub_id(name) if is_on_hub else None) or line(PurePosixPath(name[:1000]).name) or None


def _hash(row: Row) -> str:
    # A model trained by `finetune` has one id for all prompts and boards. Others have one id for each `keys.identity`.
    key: list[str | None] = [row.keys.identity[:12] or row.system]
    if row.training and row.training.system:
        key = [row.training.system, row.training.form]
    return sha256_of(repr(key).encode(errors="replace"))[:8]
