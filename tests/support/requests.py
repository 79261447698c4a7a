"""Requests as lm-eval builds them and hands them to a model."""

from types import SimpleNamespace


def built_task(task_name, *, shots=0, limit=None, samples=None, chat_template=None):
    """Return a task with its requests, as lm-eval's evaluator builds them."""
    from lm_eval.tasks import TaskManager

    task = TaskManager(include_defaults=False).load([task_name])["tasks"][task_name]
    task.set_config("num_fewshot", shots)
    task.set_fewshot_seed(1234)
    task.build_all_requests(
        limit=limit,
        samples=samples,
        apply_chat_template=chat_template is not None,
        fewshot_as_multiturn=chat_template is not None,
        chat_template=chat_template,
    )
    return task


def requests_of(records, task="t"):
    """Return the five requests of each record, as lm-eval hands them to a model."""
    return [
        SimpleNamespace(task_name=task, doc_id=n, doc=record, idx=k, args=(record["query"], f" {letter}"))
        for n, record in enumerate(records)
        for k, letter in enumerate("ABCDE")
    ]
