"""Limit the length of generated answers to the model's context, and omit tasks that the model cannot answer.

If the prompt and the answer together exceed the model's context, lm-eval cuts the start of the prompt, or stops. A cut
prompt gives a wrong score. So the plugin calls this module before lm-eval's `evaluate`.
"""

import logging
from collections.abc import Mapping
from typing import Any

from recipe_mpr_task.errors import RecipeMPRError

logger = logging.getLogger(__name__)

_PREFIX = "recipe_mpr"
_LEAST_ANSWER = 8
"""Minimum number of tokens for an answer: enough for "Answer: X" and a few more tokens."""

_LENGTH = "max_gen_toks"


def leave_out_unanswerable(lm: Any, task_dict: Any, asked: Mapping[str, Any]) -> Any:
    """Omit the tasks that the model cannot answer. Limit the answers of the other tasks to the model's context.

    For each omitted task, one log line gives the reason. A group that contains an omitted task is omitted too, because
    the group's score would cover fewer items. The other tasks of the group still run.

    Args:
        lm: the lm-eval model.
        task_dict: the result of `TaskManager.load`: {"tasks": {name: task}, "groups": {name: group}, ...}.
        asked: the keyword arguments of `evaluate`. Only arguments that change the prompts are read.

    Returns:
        `task_dict` without the omitted tasks and groups.

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
            logger.error("Recipe-MPR: task %s is omitted, the other tasks run: %s", name, reason)
    kept = {name: task for name, task in tasks.items() if name not in reasons}
    lost = {tasks[name].task_name for name in reasons}
    groups = {
        name: group
        for name, group in task_dict.get("groups", {}).items()
        if lost.isdisjoint(task.task_name for task in group.get_all_tasks())
    }
    return {**task_dict, "tasks": kept, "groups": groups}


def _needing_generation_of_a_scorer(lm: Any, tasks: Mapping[str, Any]) -> dict[str, str]:
    """Return the tasks that the model cannot answer because the model only scores options.

    Returns:
        Task name to the reason why the task is omitted. Empty if the model can generate text.
    """
    name = getattr(lm, "scores_options_as", None)
    wrong = sorted(task for task, loaded in tasks.items() if loaded.OUTPUT_TYPE != "multiple_choice") if name else []
    reason = (
        f"{name} scores options and cannot generate text, so it cannot answer {', '.join(wrong)}. "
        "Allowed: multiple_choice tasks, such as recipe_mpr"
    )
    return dict.fromkeys(wrong, reason)


def fit_generation_length(lm: Any, tasks: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, str]:
    """Lower `max_gen_toks` until the longest prompt and its answer fit the model's context.

    The longest prompt is searched among all items, even with `--limit`. So an item's answer has the same limit in
    every run. lm-eval writes the lowered limit to the task's `generation_kwargs` in the results file. If this check
    fails with an error, a warning is logged, and the task is not changed.

    Args:
        lm: the lm-eval model. Tasks are not changed if the model reports no context length, or if this process cannot
            count the model's tokens (a chat API).
        tasks: the loaded tasks, keyed by name. Tasks of other benchmarks and tasks without generation are
            skipped.
        asked: the keyword arguments of `evaluate`.

    Returns:
        Task name to the reason why the task is omitted, for each task whose prompts leave no room for an answer.
    """
    reasons = {}
    for name, task in tasks.items():
        if name.startswith(_PREFIX) and task.OUTPUT_TYPE == "generate_until" and _counts_tokens(lm):
            try:
                reason = _fit(lm, name, task, asked)
            except Exception as error:  # noqa: BLE001 (a failed check must not stop the run)
                logger.warning("Recipe-MPR: could not fit max_gen_toks of %s to the model's context: %r", name, error)
                continue
            if reason:
                reasons[name] = reason
    return reasons


def _counts_tokens(lm: Any) -> bool:
    """Return whether this process tokenizes the prompts and the model reports its context length."""
    return (
        isinstance(getattr(lm, "max_length", None), int)
        and callable(getattr(lm, "tok_encode", None))
        and getattr(lm, "tokenized_requests", True)
    )


def _fit(lm: Any, name: str, task: Any, asked: Mapping[str, Any]) -> str | None:
    """Lower the task's `max_gen_toks` if necessary.

    Returns:
        The reason to omit the task if its prompts leave no room for an answer; otherwise None.
    """
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
            f"the longest prompt has {longest} tokens, and the model's context has {lm.max_length} tokens. So "
            f"{max(room, 0)} tokens remain for an answer, but at least {min(wanted, _LEAST_ANSWER)} are needed. "
            "Use a model with a longer context, or the task recipe_mpr, which needs one token per answer"
        )
    if room < wanted:
        # Do not change the mapping in place, because other tasks may use the same mapping.
        task.set_config(key="generation_kwargs", value={**settings, _LENGTH: room})
        logger.warning(
            "Recipe-MPR: %s: %s lowered from %d to %d; the model's context has %d tokens, the longest prompt %d",
            name, _LENGTH, wanted, room, lm.max_length, longest,
        )  # fmt: skip
    return None


def _longest_prompt(lm: Any, task: Any, asked: Mapping[str, Any], enough: int) -> int:
    """Return the number of tokens in the task's longest prompt. A result of at most `enough` may be too high.

    The prompts equal the prompts that `Task.build_all_requests` makes. A prompt has at most as many tokens as bytes. So
    a prompt of at most `enough` bytes is not tokenized, and its number of bytes is used instead.

    Args:
        lm: the lm-eval model.
        task: the loaded task.
        asked: the keyword arguments of `evaluate`.
        enough: number of tokens. A prompt with at most this number of tokens needs no lower `max_gen_toks`.
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
        n_bytes = len(prompt.encode()) + _LEAST_ANSWER  # add room for special tokens
        longest = max(longest, n_bytes if n_bytes <= enough else len(lm.tok_encode(prompt)))
    return longest
