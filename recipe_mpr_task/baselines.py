"""Score options with untrained baselines, which models have to beat and tests use.

BASELINES is the registry; `models/baselines.py` makes an lm-eval model of each entry. Importing this module loads
neither torch, lm_eval nor numpy, so that the leaderboard and the command line can read the registry.
To add a baseline: a function from questions to scores, its entry in BASELINES, and `harness_configs/NAME.yaml`.
"""

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipe_mpr_task.data import dataset_of

if TYPE_CHECKING:
    from recipe_mpr_task.models.option_scorer import Question

Scores = list[list[float]]
_DECIMALS = 12
"""Digits kept of scores, so that rounding errors cannot break ties."""


@dataclass(frozen=True)
class Baseline:
    """A way of scoring options without a trained model.

    Attributes:
        score: from questions of one dataset and a seed to one list of scores per question; higher is better.
        help: what it does, in one sentence.
        reads_query: whether it compares options with the query; without a query all its scores are equal.
        by_position: whether it scores the position of an option instead of its content.
    """

    score: Callable[[Sequence["Question"], int], Scores]
    help: str
    reads_query: bool = False
    by_position: bool = False


def _random(questions: Sequence["Question"], seed: int) -> Scores:
    def draw(question: "Question", option_id: str) -> float:
        key = f"{seed}:{question.dataset or question.query}:{option_id}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64

    return [[draw(q, option_id) for option_id in q.option_ids] for q in questions]


def _first(questions: Sequence["Question"], _seed: int) -> Scores:
    return [[float(k == 0) for k in range(len(q.options))] for q in questions]


def _longest(questions: Sequence["Question"], _seed: int) -> Scores:
    return [[float(len(text)) for text in q.options] for q in questions]


def corpus_name(question: "Question") -> Hashable:
    """Return a key of the corpus for term counts: the question's dataset, or its task if the task is not ours."""
    return question.dataset.split("-")[0] if question.dataset else ("task", question.task)


def _corpus(questions: Sequence["Question"]) -> list[str]:
    """Return the corpus for term weights: every option of the questions' dataset.

    With the run's own options as corpus, an item's score would depend on `--limit` and on the fold.
    """
    if dataset := questions[0].dataset:
        return [option.text for item in dataset_of(dataset) for option in item.options]
    return [text for question in questions for text in question.options]


def _tfidf(questions: Sequence["Question"], _seed: int) -> Scores:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words="english").fit(_corpus(questions))
    scores = []
    for question in questions:
        query = vectorizer.transform([question.query])
        similarities = (vectorizer.transform(question.options) @ query.T).toarray()[:, 0]
        scores.append(np.round(similarities, _DECIMALS).tolist())
    return scores


def _bm25(questions: Sequence["Question"], _seed: int) -> Scores:
    import bm25s
    import numpy as np

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


BASELINES: Mapping[str, Baseline] = {
    "random": Baseline(_random, "Draws a score for each item and option, independent of their order."),
    "first": Baseline(_first, "Chooses the option that is shown first.", by_position=True),
    "longest": Baseline(_longest, "Chooses the option with the most characters."),
    "tfidf": Baseline(_tfidf, "Cosine of the TF-IDF vectors of query and option.", reads_query=True),
    "bm25": Baseline(_bm25, "BM25 of query and option.", reads_query=True),
}
"""Every baseline by its `kind`, in the order of the demo."""
