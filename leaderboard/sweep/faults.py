"""Describe the faults of a sweep file, and find the faults that involve several keys."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from recipe_mpr_task.field_faults import FieldFault
from recipe_mpr_task.names import folder_name, is_path
from recipe_mpr_task.suggest import did_you_mean, nearest

_FOLDERS = ("encoder", "checkpoint", "pretrained", "peft", "lora_local_path", "delta")


def describe(fault: FieldFault, keys: Mapping[str, type[BaseModel]]) -> str:
    """Return one fault as text.

    Args:
        fault: the fault.
        keys: for each part of the file, the pydantic model with the allowed keys.
    """
    if fault.kind == "extra_forbidden":
        part, _, key = fault.where.rpartition(".")
        allowed = list(keys[part.partition(".")[0]].model_fields)
        near = nearest(key, allowed)
        hint = f" (did you mean {near}?)" if near else ""
        return f"{fault.where}: unknown key{hint}; allowed: {', '.join(allowed)}"
    if fault.kind == "missing":
        return f"{fault.where} is missing; add this key"
    return f"{fault} (got {fault.got})"


def cross_faults(raw: Mapping[str, Any], sources: Sequence[str]) -> list[str]:
    """Return the faults of a parsed file that involve several keys, and the folders that do not exist.

    Args:
        raw: the parsed file. Values of a wrong type are skipped, because the field's own check reports these values.
        sources: the keys that name a model. Each entry must have exactly one of these keys.
    """
    listed = raw.get("models")
    entries = {
        k: entry for k, entry in enumerate(listed if isinstance(listed, list) else []) if isinstance(entry, dict)
    }
    faults = []
    for k, entry in entries.items():
        given = [source for source in sources if entry.get(source) is not None]
        if len(given) != 1:
            got = f"{' and '.join(given)} are given" if given else "none is given"
            faults.append(f"models.{k}: exactly one of {', '.join(sources)} is needed; {got}")
        arguments = entry.get("model_args")
        named = {key: entry.get(key) for key in ("encoder", "checkpoint")}
        folders = missing_folders(named) + (missing_folders(arguments) if isinstance(arguments, dict) else [])
        faults += [f"models.{k}.{fault}" for fault in folders]
    names = {k: entry_name(entry, sources) for k, entry in entries.items()}
    for name, n in Counter(filter(None, names.values())).items():
        if n > 1:
            places = ", ".join(f"models.{k}" for k, other in names.items() if other == name)
            faults.append(f"{places}: {n} models are called {name!r}; give each another name")
    return faults + _rule_faults(raw, [name for name in names.values() if name])


def missing_folders(named: Mapping[str, Any]) -> list[str]:
    """Return one text for each value that is the path of a folder that does not exist. A hub id is not a path."""
    paths = [(key, named[key]) for key in _FOLDERS if isinstance(named.get(key), str)]
    missing = [(key, path) for key, path in paths if is_path(path) and not Path(path).expanduser().is_dir()]
    return [f"{key}: no such folder: {path}" for key, path in missing]


def _rule_faults(raw: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    faults = []
    for part in ("include", "exclude"):
        rules = raw.get(part)
        for k, rule in enumerate(rules if isinstance(rules, list) else []):
            asked = rule.get("models") if isinstance(rule, dict) else None
            for pattern in [asked] if isinstance(asked, str) else asked if isinstance(asked, list) else []:
                if not any(fnmatchcase(name, str(pattern)) for name in names):
                    hint = did_you_mean(str(pattern), names)
                    faults.append(
                        f"{part}.{k}.models: no model is called {pattern!r}{hint}; allowed: {', '.join(names)}"
                    )
    return faults


def entry_name(entry: Mapping[str, Any], sources: Sequence[str]) -> str:
    """Return the name of a model in the plan: `name`, or a name made from the entry's source; "" if unknown."""
    if name := entry.get("name"):
        return str(name)
    source = next((source for source in sources if entry.get(source)), "")
    value, arguments = str(entry.get(source, "")), entry.get("model_args")
    arguments = arguments if isinstance(arguments, dict) else {}
    if source == "config":
        return Path(value).name.removesuffix(".yaml")
    if source == "model":
        named = (arguments.get(key) for key in ("peft", "lora_local_path", "pretrained", "model", "path"))
        value = str(next(filter(None, named), value))
    elif source == "baseline" and "seed" in arguments:
        value += f" seed {arguments['seed']}"
    name = folder_name(value) if value else ""
    return f"{name} ({arguments['head']})" if source == "encoder" and "head" in arguments else name
