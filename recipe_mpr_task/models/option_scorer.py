"""Convert lm-eval's requests to questions with options, and the options' scores to log-likelihoods.

lm-eval sends one request per option. The log-softmax needs the scores of all options of a question. So requests are
grouped by question. For a Recipe-MPR task, query and options are read from the document. For any other multiple-choice
task, the query is the request's context, and an option is the request's continuation.
"""

# mypy: allow-subclassing-any

import abc
import logging
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from recipe_mpr_task.errors import ModelArgsError, RecipeMPRError
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.suggest import did_you_mean

logger = logging.getLogger(__name__)

_SINGLE_MARKS = frozenset((*LETTERS, *map(str, range(1, N_OPTIONS + 1))))
"""Continuations of one character. Their length-normalised metrics equal the metrics without normalisation."""


@dataclass(frozen=True)
class Question:
    """A query and its options, in the order shown.

    Attributes:
        key: unique key of the question in a run.
        query: the query, or "" if the task hides the query. For another project's task, the request's whole context.
        options: the option texts.
        option_ids: the options' recipe ids. For another project's task, the option texts.
        dataset: the item's id, from which `data.dataset_of` finds the dataset. None for another project's task.
        task: name of the task.
    """

    key: Hashable
    query: str
    options: tuple[str, ...]
    option_ids: tuple[str, ...]
    dataset: str | None
    task: str = ""


class OptionScorerLM(LM, abc.ABC):
    """Base class for lm-eval models that score the options of a question and cannot generate text."""

    scores_options_as: str
    """The model's name in `--model`."""

    def __init__(self) -> None:
        super().__init__()
        self._warned = False

    @abc.abstractmethod
    def score_questions(self, questions: Sequence[Question]) -> list[list[float]]:
        """Score every option of every question.

        Args:
            questions: the questions; no question occurs twice.

        Returns:
            One list of scores per question, with one score per option in the order shown. Higher is better.
        """

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Return one pair (log-likelihood, is_greedy) per request, as lm-eval requires.

        The log-likelihood is the log-softmax of the scores of the question's options. `is_greedy` is always False,
        because the model generates no text.

        Raises:
            RecipeMPRError: a score is NaN or infinite, or a question has only one option.
        """
        if not requests:
            return []
        questions, places = _questions_of(requests)
        if any(len(question.options) < 2 for question in questions):
            # Refuse a single option, because its log-softmax is always 0.
            self._refuse("single text")
        if any(request.args[1].strip() not in _SINGLE_MARKS for request in requests):
            self._warn_once()
        scores = [log_softmax(row) for row in self.score_questions(questions)]
        for question, row in zip(questions, scores, strict=True):
            if not all(map(math.isfinite, row)):
                raise RecipeMPRError(f"scores of {question.key!r} are not finite: {row}; check the checkpoint")
        return [(scores[question][option], False) for question, option in places]

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "%s scores are not text log-likelihoods: acc is meaningful, but length-normalised metrics (acc_norm, "
                "acc_bytes) and mutual information are not; use acc",
                self.scores_options_as,
            )

    def loglikelihood_rolling(self, requests: list[Instance]) -> NoReturn:
        """Raise RecipeMPRError, because the model cannot compute the probability of a text."""
        self._refuse("loglikelihood_rolling")

    def generate_until(self, requests: list[Instance]) -> NoReturn:
        """Raise RecipeMPRError, because the model cannot generate text."""
        self._refuse("generate_until")

    def _refuse(self, what: str) -> NoReturn:
        raise RecipeMPRError(
            f"{self.scores_options_as} cannot answer {what} requests; allowed: multiple_choice tasks (recipe_mpr)"
        )

    def apply_chat_template(self, chat_history: Any, add_generation_prompt: bool = True) -> NoReturn:
        """Raise ModelArgsError, because the model reads the document, not a chat."""
        raise ModelArgsError(f"{self.scores_options_as} has no chat template; run it without --apply_chat_template")

    @property
    def tokenizer_name(self) -> str:
        """The key of lm-eval's request cache: the model's name, because requests do not depend on a tokenizer."""
        return self.scores_options_as


def _questions_of(requests: Sequence[Instance]) -> tuple[list[Question], list[tuple[int, int]]]:
    """Return the distinct questions, and a pair (question index, option index) for each request."""
    groups: dict[Hashable, list[Instance]] = {}
    for request in requests:
        groups.setdefault(_key(request), []).append(request)
    questions = [_question(key, group) for key, group in groups.items()]
    index = {question.key: i for i, question in enumerate(questions)}
    option = {key: {request.idx: k for k, request in enumerate(_in_order(group))} for key, group in groups.items()}
    places = []
    for request in requests:
        key = _key(request)
        # A Recipe-MPR document has five requests per rotation, numbered consecutively over all rotations.
        place = request.idx % N_OPTIONS if _is_ours(request) else option[key][request.idx]
        places.append((index[key], place))
    return questions, places


def _is_ours(request: Instance) -> bool:
    return isinstance(request.doc, dict) and {"item_id", "query", "options", "option_ids", "gold"} <= request.doc.keys()


def _key(request: Instance) -> Hashable:
    """Return the key of a request's question. Each rotation of an item is a separate question."""
    order = tuple(request.doc["option_ids"]) if _is_ours(request) else None
    return request.task_name, request.doc_id, order


def _in_order(group: Sequence[Instance]) -> list[Instance]:
    return [request for _, request in sorted({request.idx: request for request in group}.items())]


def _question(key: Hashable, group: Sequence[Instance]) -> Question:
    doc, task = group[0].doc, str(group[0].task_name)
    if _is_ours(group[0]):
        query = doc["query"] if doc.get("query_shown", True) else ""
        return Question(key, query, tuple(doc["options"]), tuple(doc["option_ids"]), doc["item_id"], task)
    ordered = _in_order(group)
    options = tuple(request.args[1] for request in ordered)
    return Question(key, ordered[0].args[0], options, options, None, task)


def reject_unknown(unknown: dict[str, Any], allowed: Sequence[str]) -> None:
    """Raise ModelArgsError if there are unknown `--model_args`, such as misspelled names.

    Args:
        unknown: the unknown arguments by name.
        allowed: names of the allowed arguments, for the message.
    """
    for name in unknown:
        hint = did_you_mean(name, allowed)
        raise ModelArgsError(f"unknown model argument {name!r}; allowed: {', '.join(allowed)}{hint}")


def score_in_groups(
    questions: Sequence[Question],
    group_of: Callable[[Question], Hashable],
    score: Callable[[Sequence[Question]], list[list[float]]],
) -> list[list[float]]:
    """Score each group of questions separately, so that a score does not depend on the other groups of the run.

    Args:
        questions: the questions of one or more tasks.
        group_of: function from a question to the key of the question's group.
        score: function from the questions of one group to one list of scores per question.

    Returns:
        One list of scores per question, in the order of `questions`.
    """
    places: dict[Hashable, list[int]] = {}
    for place, question in enumerate(questions):
        places.setdefault(group_of(question), []).append(place)
    scores: list[list[float]] = [[] for _ in questions]
    for group in places.values():
        for place, row in zip(group, score([questions[place] for place in group]), strict=True):
            scores[place] = row
    return scores


def log_softmax(scores: Sequence[float]) -> list[float]:
    """Return the logarithm of the softmax of `scores`. Equal scores give exactly equal results."""
    best = max(scores)
    total = best + math.log(math.fsum(math.exp(score - best) for score in scores))
    return [score - total for score in scores]
