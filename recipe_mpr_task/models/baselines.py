"""Baselines that are never trained: the floor that a model has to beat, and test doubles.

`--model recipe-mpr-baseline --model_args kind=random|first|longest|tfidf|bm25`
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from recipe_mpr_task.data import dataset_of
from recipe_mpr_task.errors import ModelArgsError
from recipe_mpr_task.models.option_scorer import OptionScorerLM, Question, score_in_groups
from recipe_mpr_task.suggest import did_you_mean

Scores = list[list[float]]
_DECIMALS = 12
"""Rounds away the float noise of sums in another order, which would split true ties."""


class BaselineLM(OptionScorerLM):
    """A model without parameters.

    Args:
        kind: one of KINDS.
        seed: of `random`, which draws by item and option, so that it cannot see the order.
        batch_size, max_batch_size, device: accepted because lm-eval passes them; they change nothing.

    Raises:
        ModelArgsError: unknown kind or argument.
    """

    scores_options_as = "recipe-mpr-baseline"
    never_trained = True

    def __init__(
        self,
        kind: str = "",
        seed: int = 0,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown(unknown, allowed=("kind", "seed"))
        if kind not in KINDS:
            raise ModelArgsError(f"kind={kind!r}; allowed: {', '.join(KINDS)}{did_you_mean(kind, KINDS)}")
        self.kind, self.seed = kind, seed

    def score_questions(self, questions: Sequence[Question]) -> Scores:
        """Score every option; see `OptionScorerLM.score_questions`."""
        return score_in_groups(questions, _corpus_name, lambda group: KINDS[self.kind](group, self.seed))

    def get_model_info(self) -> dict[str, Any]:
        """Return what lm-eval records of the model."""
        return {"model_num_parameters": 0, "model_sha": f"{self.kind}:{self.seed}"}


def reject_unknown(unknown: dict[str, Any], allowed: Sequence[str]) -> None:
    """Raise ModelArgsError for arguments that an adapter does not take: a typo must not pass silently."""
    for name in unknown:
        hint = did_you_mean(name, allowed)
        raise ModelArgsError(f"unknown model argument {name!r}; allowed: {', '.join(allowed)}{hint}")


def _random(questions: Sequence[Question], seed: int) -> Scores:
    def draw(question: Question, option_id: str) -> float:
        key = f"{seed}:{question.dataset or question.query}:{option_id}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64

    return [[draw(q, option_id) for option_id in q.option_ids] for q in questions]


def _first(questions: Sequence[Question], _seed: int) -> Scores:
    return [[float(k == 0) for k in range(len(q.options))] for q in questions]


def _longest(questions: Sequence[Question], _seed: int) -> Scores:
    return [[float(len(text)) for text in q.options] for q in questions]


def _corpus_name(question: Question) -> Hashable:
    """Name the texts that terms are counted on: the question's own dataset, or its task if it is not ours."""
    return question.dataset.split("-")[0] if question.dataset else ("task", question.task)


def _corpus(questions: Sequence[Question]) -> list[str]:
    """Return the texts that term weights are counted on: every option of the questions' one dataset.

    Counting on the run's own options would make an item's score depend on `--limit` and fold.
    """
    if dataset := questions[0].dataset:
        return [option.text for item in dataset_of(dataset) for option in item.options]
    return [text for question in questions for text in question.options]


def _tfidf(questions: Sequence[Question], _seed: int) -> Scores:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words="english").fit(_corpus(questions))
    scores = []
    for question in questions:
        query = vectorizer.transform([question.query])
        similarities = (vectorizer.transform(question.options) @ query.T).toarray()[:, 0]
        scores.append(np.round(similarities, _DECIMALS).tolist())
    return scores


def _bm25(questions: Sequence[Question], _seed: int) -> Scores:
    import bm25s

    def tokens(texts: Sequence[str]) -> list[list[str]]:
        split: list[list[str]] = bm25s.tokenize(list(texts), stopwords="en", return_ids=False, show_progress=False)
        return split

    corpus = sorted(set(_corpus(questions)))
    position = {text: i for i, text in enumerate(corpus)}
    index = bm25s.BM25(dtype="float64")
    index.index(tokens(corpus), show_progress=False)
    scores = []
    for question, words in zip(questions, tokens([q.query for q in questions]), strict=True):
        all_scores = index.get_scores(words) if words else np.zeros(len(corpus))
        row = all_scores[[position[text] for text in question.options]]
        scores.append(np.round(row, _DECIMALS).tolist())
    return scores


KINDS: dict[str, Callable[[Sequence[Question], int], Scores]] = {
    "random": _random,
    "first": _first,
    "longest": _longest,
    "tfidf": _tfidf,
    "bm25": _bm25,
}
