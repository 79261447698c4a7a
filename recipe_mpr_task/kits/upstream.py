"""Make the files of the upstream kit: the tasks in lm-eval's format, in a folder for a pull request.

The YAML files are made from this package's task files. `utils.py` has copies of this package's functions. So prompts,
hashes and accuracies equal those of this package.
"""

import json
import re
from typing import Any, NamedTuple

import yaml

from recipe_mpr_task import TASK_VERSION, __version__
from recipe_mpr_task.data import COMMIT, REPOSITORY, SHA256
from recipe_mpr_task.kits.bundle import bundle
from recipe_mpr_task.kits.folder import rendered
from recipe_mpr_task.metrics import METRICS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.prompts import template
from recipe_mpr_task.splits import fold_of, part_of, scored_ids
from recipe_mpr_task.task_specs import task_config

_COPIED = (
    *(("data", name) for name in ("URL_FOLDER", "FILE_NAME", "SHA256", "DATA_VARIABLE")),
    ("task", "_FEATURES"),
    ("item", "QUERY_TYPES"),
    *(("metrics", f"{name}_metrics") for name in ("letter", "cloze", "generate")),
    *(("shot_selection", name) for name in ("Record", "even_letters", "are_related")),
)
_ALSO_IMPORTED = (("json", None), ("os", None), ("hashlib", None), ("pathlib", "Path"),
                  ("lm_eval.api.samplers", "ContextSampler"))  # fmt: skip


class _Task(NamedTuple):
    """A task of the kit: a one-sentence description, and the task's metrics other than the accuracies."""

    what: str
    metrics: tuple[str, ...]


TASKS = {
    "recipe_mpr": _Task(
        "Choose one of five recipes for a request, by the letter with the highest log-likelihood.", ("brier",)
    ),
    "recipe_mpr_cloze": _Task("Score each option's text after the request, without letters.", ("brier", "acc_norm")),
    "recipe_mpr_generate": _Task(
        "Read the letter from generated text, for models without log-likelihoods.", ("parse_fail",)
    ),
}
MAIN = "recipe_mpr"


def upstream_files() -> dict[str, str]:
    """Return the kit's files: file name to text."""
    copied = bundle(_COPIED, _ALSO_IMPORTED)
    readme = rendered(
        "upstream/README.md.jinja", tasks={name: task.what for name, task in TASKS.items()}, version=TASK_VERSION,
        package_version=__version__, repository=REPOSITORY, commit=COMMIT, sha256=SHA256,
        citation=rendered("citation.bib"),
    )  # fmt: skip
    return {
        "README.md": readme,
        "orders.json": _orders(),
        **{f"{name}.yaml": _task_file(name) for name in TASKS},
        "utils.py": rendered("upstream/utils.py.jinja", bundle=copied),
    }


def _orders() -> str:
    """Return JSON with the order, fold and part of each item, one item per line."""
    ids = sorted(scored_ids("all"))
    rows = {
        i: {"order": "".join(map(str, pinned_items()[i].order)), "fold": fold_of(i), "part": part_of(i)} for i in ids
    }
    lines = [f"{json.dumps(item_id)}: {json.dumps(row)}" for item_id, row in rows.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


class _Function(str):
    """The name of a function in `utils.py`. In YAML, the name is written as `!function utils.NAME`."""


class _Dumper(yaml.SafeDumper):
    """A YAML writer: prompts become blocks, delimiters get quotes, and function names get lm-eval's tag."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "{" in text and "\n" in text else '"' if text != text.strip() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(_Function, lambda dumper, name: dumper.represent_scalar("!function", f"utils.{name}"))


def _task_file(name: str) -> str:
    """Return a task's YAML. The main task has all settings. Other tasks include it and list the differing settings."""
    own, main = _config(name), _config(MAIN)
    differing = {key: value for key, value in own.items() if value != main.get(key)}
    differing |= {key: None for key in main if key not in own}
    config = own if name == MAIN else {"include": f"{MAIN}.yaml", **differing}
    text = yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    plain = re.sub(r"!function '([\w.]+)'", r"!function \1", text)  # without quotes, as in lm-eval's own files
    return f"# {TASKS[name].what}\n{plain}"


def _config(name: str) -> dict[str, Any]:
    """Return the settings in this package's task file, with the functions of the kit."""
    ours = task_config(name)
    process_results = ours["process_results"].rpartition(".")[2]
    return {
        "task": name,
        "custom_dataset": _Function("load_dataset"),
        "test_split": ours["test_split"],
        "output_type": ours["output_type"],
        "doc_to_text": template(ours["doc_to_text"].rpartition(".")[2]),
        "doc_to_choice": ours["doc_to_choice"],
        "doc_to_target": ours["doc_to_target"],
        "target_delimiter": ours["target_delimiter"],
        "fewshot_delimiter": ours["fewshot_delimiter"],
        "fewshot_split": ours["fewshot_split"],
        "fewshot_config": {"sampler": _Function("OtherFoldShots")},
        **({"generation_kwargs": ours["generation_kwargs"]} if "generation_kwargs" in ours else {}),
        "process_results": _Function(process_results),
        "metric_list": _metric_list(TASKS[name].metrics),
        "metadata": {"version": ours["metadata"]["version"]},
    }


def _metric_list(others: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"metric": metric.key, "aggregation": "mean", "higher_is_better": metric.higher_is_better}
        for metric in METRICS
        if metric.key in others or (metric.key.startswith("acc") and metric.key not in ("acc_averaged", "acc_norm"))
    ]
