"""Make requests as lm-eval builds them and passes them to a model."""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from tests.support.run_edits import Json


def built_task(
    task_name: str,
    *,
    shots: int = 0,
    limit: int | None = None,
    samples: list[int] | None = None,
    chat_template: Callable[..., str] | None = None,
) -> Any:
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


def requests_of(records: Iterable[Json], task: str = "t") -> list[Any]:
    """Return the five requests of each record, as lm-eval passes them to a model."""
    return [
        SimpleNamespace(task_name=task, doc_id=n, doc=record, idx=k, args=(record["query"], f" {letter}"))
        for n, record in enumerate(records)
        for k, letter in enumerate("ABCDE")
    ]
