"""Check the model and the tasks before a run: answer letters, open think blocks, items used in training.

The plugin calls this module before lm-eval's `evaluate`, when the model and the tasks are loaded.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipe_mpr_task.lines import line

if TYPE_CHECKING:
    from recipe_mpr_task.provenance import Seen

logger = logging.getLogger(__name__)

_PREFIX = "recipe_mpr"

_UNKNOWN = (
    "Recipe-MPR: this run will have the status unknown (%s). The scores are not affected, and the run can be ranked. "
    "For the status clean, score the unchanged folder that `recipe-mpr finetune` wrote, with its manifest"
)


def warn_about_run(lm: Any, tasks: Mapping[str, Any], *, chat: bool) -> list[str]:
    """Check whether the model's tokenizer and chat template suit letter scoring. Log and return the warnings.

    Args:
        lm: the lm-eval model.
        tasks: the loaded tasks, keyed by name. Tasks of other benchmarks and tasks without letters are skipped.
        chat: whether the chat template is applied to the prompts.
    """
    warnings = []
    try:
        marks = _marks_scored(tasks)
        if marks and hasattr(lm, "tok_encode"):
            prompt = lm.apply_chat_template([{"role": "user", "content": "Answer:"}]) if chat else "Answer:"
            warnings = [*_token_warnings(lm, prompt, marks, chat=chat), *_thinking_warnings(lm, prompt, chat=chat)]
    except Exception as error:  # noqa: BLE001 (a failed check must not stop the run)
        logger.debug("the answer letters could not be checked: %r", error)
    for warning in warnings:
        logger.warning(warning)
    return warnings


def mark_seen_items(lm: Any, tasks: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Set `seen_in_training` in each document of the Recipe-MPR tasks.

    The value is 1 if the model was trained or validated on the item, 0 if not, None if unknown.

    Args:
        lm: the loaded model.
        tasks: the loaded tasks, keyed by name.
        asked: the arguments of `simple_evaluate`; empty if `simple_evaluate` was not called.

    Returns:
        Two entries for the results file, under the keys MODEL_KEY (the model's files) and TRAINING_KEY (the model's
        training). Empty if `tasks` contains no Recipe-MPR task.
    """
    from recipe_mpr_task.manifest import MODEL_KEY, TRAINING_KEY
    from recipe_mpr_task.task import marked

    ours = [task for name, task in tasks.items() if name.startswith(_PREFIX)]
    if not ours:
        return {}
    loaded, seen = _loaded(getattr(lm, "lm", lm), asked, ours[0].config.metadata or {})
    loaded["request_cache"] = bool(asked.get("use_cache")) or hasattr(lm, "cache_db")
    for task in ours:
        task.dataset = marked(task.dataset, seen)
    n_seen = sum(seen.flag(item_id) or 0 for task in ours for item_id in task.eval_docs["item_id"])
    for warning in _provenance_warnings(seen, loaded, n_seen):
        logger.warning(warning)
    return {MODEL_KEY: loaded, TRAINING_KEY: seen.summary()}


def _loaded(lm: Any, asked: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[dict[str, Any], "Seen"]:
    """Return two values: the record of the model's files, and the items that the model was trained on."""
    from recipe_mpr_task.loaded_model import arguments_of, model_record
    from recipe_mpr_task.model_arguments import parsed, unaccounted
    from recipe_mpr_task.provenance import Seen, seen_by

    by_name = isinstance(asked.get("model"), str)
    if by_name and getattr(lm, "never_trained", False):
        return model_record(None) | {"handed_over": False, "unaccounted": []}, Seen(frozenset(), "never trained")
    arguments, given = arguments_of(lm), parsed(asked.get("model_args"))
    record = {
        **model_record(arguments if by_name else None),
        "handed_over": not by_name,
        "unaccounted": unaccounted(asked["model"], given) if by_name else [],
    }
    if not by_name:
        return record, Seen(None, "the model was passed as a Python object; pass model and model_args instead")
    if arguments is None:
        return record, Seen(None, f"the weights that the model class {type(lm).__name__} loads are not recorded")
    return record, seen_by({**metadata, **given, **arguments})


def _provenance_warnings(seen: "Seen", loaded: Mapping[str, Any], n_seen: int) -> Iterator[str]:
    from recipe_mpr_task.provenance import NOT_A_FOLDER

    if loaded["request_cache"]:
        yield (
            "Recipe-MPR: the cache of --use_cache does not record which model gave an answer, so this run may get the "
            "answers of another model. Use a separate cache path for each model. A leaderboard flags runs with a "
            "cache and never gives them the status clean"
        )
    if n_seen:
        yield f"Recipe-MPR: the model was trained or validated on {n_seen} of the scored items"
    elif not (seen.ids is not None and seen.is_all) and seen.reason != NOT_A_FOLDER:
        yield _UNKNOWN % line(seen.reason)
    if loaded["unaccounted"]:
        yield (
            f"Recipe-MPR: {', '.join(loaded['unaccounted'])} may load files or code that are not recorded. So the run "
            "will have the status unknown and can be ranked. If possible, omit these arguments"
        )


def _marks_scored(tasks: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Return the distinct tuples of answer marks, such as ("A", "B", "C", "D", "E") or ("1", "2", "3", "4", "5").

    Skip tasks of other benchmarks, tasks that generate text, and tasks with an answer of several characters.
    """
    marks = set()
    for name, task in tasks.items():
        if name.startswith(_PREFIX) and task.OUTPUT_TYPE == "multiple_choice":
            choices = tuple(task.doc_to_choice(task.task_docs[0]))
            if all(len(choice) == 1 for choice in choices):
                marks.add(choices)
    return marks


def _token_warnings(lm: Any, prompt: str, marks: set[tuple[str, ...]], *, chat: bool) -> list[str]:
    warnings = []
    for choices in sorted(marks):
        # With a chat template, lm-eval puts no space between prompt and answer.
        forms = [choice if chat else f" {choice}" for choice in choices]
        wholes = [list(lm.tok_encode(prompt + form)) for form in forms]
        if not _differ_in_one_last_token(wholes) or (not chat and len(wholes[0]) != len(lm.tok_encode(prompt)) + 1):
            sizes = ", ".join(f"{form!r} {len(lm.tok_encode(form))}" for form in forms)
            warnings.append(
                f"Recipe-MPR: this tokenizer does not encode each answer as one token (tokens: {sizes}). So letter "
                "scores compare texts of several tokens. Use recipe_mpr_cloze or recipe_mpr_generate instead"
            )
    return warnings


def _differ_in_one_last_token(wholes: Sequence[list[int]]) -> bool:
    # Do not compare with the prompt's own tokens, because an added answer can change the last tokens of the prompt.
    return len({tuple(tokens[:-1]) for tokens in wholes}) == 1 and len({tokens[-1] for tokens in wholes}) == len(wholes)


def _thinking_warnings(lm: Any, prompt: str, *, chat: bool) -> list[str]:
    template = str(getattr(getattr(lm, "tokenizer", None), "chat_template", "") or "")
    if chat and "enable_thinking" in template and "</think>" not in prompt:
        return [
            "Recipe-MPR: with this chat template, the model thinks before it answers, because enable_thinking is not "
            "False. But letters are scored right after the prompt. Add enable_thinking=False to --model_args"
        ]
    return []
