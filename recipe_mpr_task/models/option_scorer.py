"""Turn lm-eval's requests into questions with options, and scores into log-likelihoods, for encoders and baselines.

lm-eval sends one request per option. Scoring needs all of an item's options together, for the log-softmax, and without
the prompt's letters. Recipe-MPR's requests have query and options in their document. For any other multiple-choice
task they are taken from the (context, continuation) pairs.
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
"""Continuations of one character, for which length-normalised metrics equal the others."""


@dataclass(frozen=True)
class Question:
    """A query and its options, in the order shown.

    Attributes:
        key: identifies the question among a run's requests.
        query: the query, "" if the task withholds the query; the whole context for a task that is not ours.
        options: option texts.
        option_ids: recipe ids, or the option texts for a task that is not ours.
        dataset: an item id if the question is ours (see `data.dataset_of`), else None.
        task: the name of the task that asks it.
    """

    key: Hashable
    query: str
    options: tuple[str, ...]
    option_ids: tuple[str, ...]
    dataset: str | None
    task: str = ""


class OptionScorerLM(LM, abc.ABC):
    """An lm-eval model that scores the options of a question instead of generating text."""

    scores_options_as: str
    """The value of `--model`."""

    def __init__(self) -> None:
        super().__init__()
        self._warned = False

    @abc.abstractmethod
    def score_questions(self, questions: Sequence[Question]) -> list[list[float]]:
        """Score every option of every question.

        Args:
            questions: distinct questions.

        Returns:
            For each question one score per option, in the order shown; higher is better.
        """

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Answer lm-eval's requests: log-softmax of the scores over each question's options.

        `is_greedy` is always False: no text is generated.

        Raises:
            RecipeMPRError: a score is NaN or infinite, or a question has a single option.
        """
        if not requests:
            return []
        questions, places = _questions_of(requests)
        if any(len(question.options) < 2 for question in questions):
            # The log-softmax of one option is 0, which would look like certainty.
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
                "%s scores are no text log-likelihoods: acc is meaningful, length-normalised metrics "
                "(acc_norm, acc_bytes) and mutual information are not",
                self.scores_options_as,
            )

    def loglikelihood_rolling(self, requests: list[Instance]) -> NoReturn:
        """Raise RecipeMPRError: the model defines no probability of a text."""
        self._refuse("loglikelihood_rolling")

    def generate_until(self, requests: list[Instance]) -> NoReturn:
        """Raise RecipeMPRError: the model writes no text."""
        self._refuse("generate_until")

    def _refuse(self, what: str) -> NoReturn:
        raise RecipeMPRError(
            f"{self.scores_options_as} cannot answer {what} requests; allowed: multiple_choice tasks (recipe_mpr)"
        )

    def apply_chat_template(self, chat_history: Any, add_generation_prompt: bool = True) -> NoReturn:
        """Raise ModelArgsError: the model reads the document instead of a chat."""
        raise ModelArgsError(f"{self.scores_options_as} has no chat template; run it without --apply_chat_template")

    @property
    def tokenizer_name(self) -> str:
        """A name for lm-eval's request cache: requests do not depend on the model's tokenizer."""
        return self.scores_options_as


def _questions_of(requests: Sequence[Instance]) -> tuple[list[Question], list[tuple[int, int]]]:
    """Return distinct questions, and for each request its (question, option) indices."""
    groups: dict[Hashable, list[Instance]] = {}
    for request in requests:
        groups.setdefault(_key(request), []).append(request)
    questions = [_question(key, group) for key, group in groups.items()]
    index = {question.key: i for i, question in enumerate(questions)}
    option = {key: {request.idx: k for k, request in enumerate(_in_order(group))} for key, group in groups.items()}
    places = []
    for request in requests:
        key = _key(request)
        # Our requests come in whole sets of options, rotation by rotation.
        place = request.idx % N_OPTIONS if _is_ours(request) else option[key][request.idx]
        places.append((index[key], place))
    return questions, places


def _is_ours(request: Instance) -> bool:
    return isinstance(request.doc, dict) and {"item_id", "query", "options", "option_ids", "gold"} <= request.doc.keys()


def _key(request: Instance) -> Hashable:
    """Return a key of the request's question; each rotation of an item is a question of its own."""
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
    """Raise ModelArgsError for arguments that an adapter does not take, so that a typo cannot pass unnoticed."""
    for name in unknown:
        hint = did_you_mean(name, allowed)
        raise ModelArgsError(f"unknown model argument {name!r}; allowed: {', '.join(allowed)}{hint}")


def score_in_groups(
    questions: Sequence[Question],
    group_of: Callable[[Question], Hashable],
    score: Callable[[Sequence[Question]], list[list[float]]],
) -> list[list[float]]:
    """Return scores computed for each group of questions separately, so that other tasks in the run change no score.

    Args:
        questions: questions of any number of tasks.
        group_of: returns a key of a question's group.
        score: function from the questions of one group to one list of scores each.

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
    """Return the logarithms of the softmax of `scores`; equal scores stay equal."""
    best = max(scores)
    total = best + math.log(math.fsum(math.exp(score - best) for score in scores))
    return [score - total for score in scores]
