"""Fit the answers of generating tasks to the model's context, and leave out tasks that the model cannot answer.

The plugin calls this module before lm-eval's `evaluate`. If prompt and answer together exceed the model's context,
lm-eval cuts the prompt from the left, or stops. A cut prompt gives a wrong score.
"""

import logging
from collections.abc import Mapping
from typing import Any

from recipe_mpr_task.errors import RecipeMPRError

logger = logging.getLogger(__name__)

_PREFIX = "recipe_mpr"
_LEAST_ANSWER = 8
"""Least number of tokens for an answer: "Answer: X" and a few more."""

_LENGTH = "max_gen_toks"


def leave_out_unanswerable(lm: Any, task_dict: Any, asked: Mapping[str, Any]) -> Any:
    """Return lm-eval's tasks without those that the model cannot answer; fit the others' answers to its context.

    Each omitted task is logged in one line. A group without one of its tasks is omitted too, because its score would be
    of other items; its other tasks run.

    Args:
        lm: the lm-eval model.
        task_dict: what `TaskManager.load` gives: {"tasks": name to task, "groups": name to group, ...}.
        asked: the keyword arguments of `evaluate`; only those that shape prompts are read.

    Raises:
        RecipeMPRError: the model can answer none of the tasks.
    """
    tasks = task_dict.get("tasks", {}) if isinstance(task_dict, dict) else {}
    reasons = _needing_generation_of_a_scorer(lm, tasks) or fit_generation_length(lm, tasks, asked)
    if not reasons:
        return task_dict
    if len(reasons) == len(tasks):
        raise RecipeMPRError("; ".join(dict.fromkeys(reasons.values())))
    if getattr(lm, "rank", 0) == 0:
        for name, reason in reasons.items():
            logger.error("Recipe-MPR: %s is left out, the other tasks run: %s", name, reason)
    kept = {name: task for name, task in tasks.items() if name not in reasons}
    lost = {tasks[name].task_name for name in reasons}
    groups = {
        name: group
        for name, group in task_dict.get("groups", {}).items()
        if lost.isdisjoint(task.task_name for task in group.get_all_tasks())
    }
    return {**task_dict, "tasks": kept, "groups": groups}


def _needing_generation_of_a_scorer(lm: Any, tasks: Mapping[str, Any]) -> dict[str, str]:
    """Return the reason to omit each task that needs generation, if the model only scores options."""
    name = getattr(lm, "scores_options_as", None)
    wrong = sorted(task for task, loaded in tasks.items() if loaded.OUTPUT_TYPE != "multiple_choice") if name else []
    reason = (
        f"{name} scores options and writes no text: it cannot answer {', '.join(wrong)}. "
        "Allowed: multiple_choice tasks, such as recipe_mpr"
    )
    return dict.fromkeys(wrong, reason)


def fit_generation_length(lm: Any, tasks: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, str]:
    """Lower `max_gen_toks` of our generating tasks so that the longest prompt and its answer fit the model's context.

    All items of a task count, also with `--limit`, so that an item's answer has the same limit in every run. lm-eval
    writes the lowered limit into the results file, in the task's `generation_kwargs`.

    Args:
        lm: the lm-eval model; nothing is done if it reports no context length or counts no tokens here (a chat API).
        tasks: the loaded tasks by name; tasks that are not ours or do not generate are skipped.
        asked: see `leave_out_unanswerable`.

    Returns:
        The reason to omit each task whose prompts leave no room for an answer.
    """
    reasons = {}
    for name, task in tasks.items():
        if name.startswith(_PREFIX) and task.OUTPUT_TYPE == "generate_until" and _counts_tokens(lm):
            try:
                reason = _fit(lm, name, task, asked)
            except Exception as error:  # noqa: BLE001 (a check must not stop what it checks)
                logger.warning("Recipe-MPR: the length of answers to %s was not fitted to the model: %r", name, error)
                continue
            if reason:
                reasons[name] = reason
    return reasons


def _counts_tokens(lm: Any) -> bool:
    """Return whether prompts are tokenized in this process and cut to a length that the model reports."""
    return (
        isinstance(getattr(lm, "max_length", None), int)
        and callable(getattr(lm, "tok_encode", None))
        and getattr(lm, "tokenized_requests", True)
    )


def _fit(lm: Any, name: str, task: Any, asked: Mapping[str, Any]) -> str | None:
    """Fit one task; return the reason if its prompts leave no room."""
    settings = task.config.generation_kwargs or {}
    wanted = settings.get(_LENGTH)
    if not isinstance(wanted, int):
        return None
    shares_context = getattr(lm, "backend", "causal") != "seq2seq"  # an encoder-decoder's answer has its own context
    longest = _longest_prompt(lm, task, asked, enough=lm.max_length - wanted * shares_context)
    room = lm.max_length - longest
    room = room if shares_context or room < 0 else wanted
    if room < min(wanted, _LEAST_ANSWER):
        return (
            f"the longest prompt has {longest} tokens and the model's context {lm.max_length}, which leaves "
            f"{max(room, 0)} for an answer; at least {min(wanted, _LEAST_ANSWER)} are needed. "
            "Use a model with a longer context, or recipe_mpr, which needs one token"
        )
    if room < wanted:
        # A new mapping, because other tasks may share the old one.
        task.set_config(key="generation_kwargs", value={**settings, _LENGTH: room})
        logger.warning(
            "Recipe-MPR: %s: %s lowered from %d to %d; the model's context has %d tokens, the longest prompt %d",
            name, _LENGTH, wanted, room, lm.max_length, longest,
        )  # fmt: skip
    return None


def _longest_prompt(lm: Any, task: Any, asked: Mapping[str, Any], enough: int) -> int:
    """Return the number of tokens of the task's longest prompt, as `Task.build_all_requests` builds prompts.

    A prompt has at most as many tokens as bytes. So prompts below `enough` bytes are not tokenized: their bytes count.
    """
    chat = bool(asked.get("apply_chat_template"))
    longest = 0
    for doc in task.eval_docs:
        prompt = task.fewshot_context(
            doc,
            num_fewshot=task.config.num_fewshot or 0,
            system_instruction=asked.get("system_instruction"),
            apply_chat_template=chat,
            fewshot_as_multiturn=bool(asked.get("fewshot_as_multiturn")),
            chat_template=lm.apply_chat_template if chat else None,
            gen_prefix=task.doc_to_prefix(doc),
        )
        n_bytes = len(prompt.encode()) + _LEAST_ANSWER  # with room for special tokens
        longest = max(longest, n_bytes if n_bytes <= enough else len(lm.tok_encode(prompt)))
    return longest
