"""Score options with baselines that need no training. Models should beat these baselines.

BASELINES is the registry. `models/baselines.py` runs a baseline as an lm-eval model. This module does not import
torch, lm_eval or numpy at the top. So the leaderboard and the command line load the registry fast.
To add a baseline, write a scoring function, add an entry to BASELINES, and add `harness_configs/NAME.yaml`.
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
"""TF-IDF and BM25 scores are rounded to this number of decimals, so that rounding errors cannot break ties."""


@dataclass(frozen=True)
class Baseline:
    """A way of scoring options without a trained model.

    Attributes:
        score: function from (questions of one dataset, seed) to one list of option scores per question. Higher scores
            are better.
        help: one sentence that says what the baseline does.
        reads_query: whether the baseline compares options with the query. If True, a task that hides the query gets
            equal scores for all options.
        by_position: whether the baseline scores an option's position instead of the option's content.
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
    """Return the key of a question's group. The questions of one group share their term weights.

    Returns:
        The dataset's name ("mpr" or "sample"), or ("task", name of the task) for a task of another benchmark.
    """
    return question.dataset.split("-")[0] if question.dataset else ("task", question.task)


def _corpus(questions: Sequence["Question"]) -> list[str]:
    """Return the texts from which term weights are computed: all options of the questions' dataset.

    The whole dataset is used, because an item's score must not depend on `--limit` or the fold. For a task of another
    benchmark, the questions' options are used, because the dataset is unknown.
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
    "random": Baseline(_random, "Gives each option a random score that does not depend on the option order."),
    "first": Baseline(_first, "Chooses the option that is shown first.", by_position=True),
    "longest": Baseline(_longest, "Chooses the option with the most characters."),
    "tfidf": Baseline(_tfidf, "Scores each option by its TF-IDF cosine similarity to the query.", reads_query=True),
    "bm25": Baseline(_bm25, "Scores each option by its BM25 relevance to the query.", reads_query=True),
}
"""All baselines, keyed by the value of `kind` in `--model_args`. `recipe-mpr demo` runs the baselines in this order."""
