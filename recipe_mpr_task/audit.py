"""Audit a dataset: score simple rules that choose an option without understanding the question.

Each rule reads only some parts of an item and gives each option a score. If the gold option is one of m options with
the best score, the item counts 1/m. The rule with "ties to the first option" in its name chooses the first tied option
instead. A random choice has an expected accuracy of 20%.
The items are divided into five folds. A learned rule scores the items of each fold after training on the other four.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from statsmodels.stats.proportion import proportion_confint
from tqdm import tqdm

from recipe_mpr_task.item import N_OPTIONS, Item
from recipe_mpr_task.scoring import fair_accuracy
from recipe_mpr_task.splits import N_FOLDS, fold_of, part_of

CHANCE = 1 / N_OPTIONS
_DECIMALS = 12
Scores = list[list[float]]


@dataclass(frozen=True)
class Artifact:
    """A rule and its accuracy on a dataset.

    Attributes:
        name: the rule's name.
        reads: the parts of an item that the rule reads, such as "query, options".
        acc: the rule's accuracy, from 0 to 1.
        low: lower end of the 95% Wilson interval of `acc`.
        high: upper end of the 95% Wilson interval of `acc`.
    """

    name: str
    reads: str
    acc: float
    low: float
    high: float


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        n: number of audited items.
        artifacts: one entry per rule, the highest accuracy first.
        shared: fraction of test items that share a recipe id with a training item, keyed by split name.
    """

    n: int
    artifacts: tuple[Artifact, ...]
    shared: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object that `recipe-mpr audit --json` writes. Accuracies are fractions."""
        rows = [{"name": a.name, "reads": a.reads, "acc": a.acc, "low": a.low, "high": a.high} for a in self.artifacts]
        return {"items": self.n, "chance": CHANCE, "artifacts": rows, "shared_options": self.shared}


def audit_items(items: Sequence[Item], *, splits: bool, progress: bool = True) -> Audit:
    """Score every rule on a dataset, and return the accuracies.

    Args:
        items: at least ten items, in file order.
        splits: whether to use the published split and the folds of the pinned dataset. If False, five random folds are
            drawn with seed 0.
        progress: whether to show a progress bar.
    """
    folds = _folds(items, known=splits)
    rules = list(_rules(items, folds))
    artifacts = [
        _artifact(items, name, reads, rule()) for name, reads, rule in tqdm(rules, desc="audit", disable=not progress)
    ]
    # Use `_first_on_ties` for this rule, because `_artifact` counts a tie of m options as 1/m.
    similarity = _query_similarity(items)
    artifacts.append(_first_on_ties(items, similarity))
    artifacts.sort(key=lambda artifact: (-artifact.acc, artifact.name))
    return Audit(len(items), tuple(artifacts), dict(_shared_options(items, folds, known=splits)))


def _folds(items: Sequence[Item], *, known: bool) -> list[int]:
    if known:
        return [fold_of(item.item_id) for item in items]
    folds = [0] * len(items)
    for k, (_, test) in enumerate(KFold(N_FOLDS, shuffle=True, random_state=0).split(items)):
        for i in test:
            folds[i] = k
    return folds


def _rules(items: Sequence[Item], folds: list[int]) -> Iterator[tuple[str, str, Callable[[], Scores]]]:
    for slot in range(N_OPTIONS):
        yield f"position: always option {slot + 1} of the file", "position", functools.partial(_constant, items, slot)
    yield "longest option (characters)", "options", lambda: _by_text(items, len)
    yield "shortest option (characters)", "options", lambda: _by_text(items, lambda text: -len(text))
    yield "most central option (TF-IDF)", "options", lambda: _centrality(items)
    yield "options only, learned (TF-IDF + logistic regression)", "options", lambda: _learned(items, folds)
    yield "query-option similarity (TF-IDF)", "query, options", lambda: _query_similarity(items)
    yield "query-option word overlap", "query, options", lambda: _word_overlap(items)
    yield "recipe id prior (how often the id is gold in other folds)", "recipe ids", lambda: _id_prior(items, folds)


def _artifact(items: Sequence[Item], name: str, reads: str, scores: Scores) -> Artifact:
    right = [fair_accuracy(row, _gold(item)) for item, row in zip(items, scores, strict=True)]
    return _of(name, reads, math.fsum(right), len(items))


def _of(name: str, reads: str, correct: float, n: int) -> Artifact:
    low, high = proportion_confint(correct, n, method="wilson")
    return Artifact(name, reads, correct / n, float(low), float(high))


def _first_on_ties(items: Sequence[Item], scores: Scores) -> Artifact:
    right = sum(row.index(max(row)) == _gold(item) for item, row in zip(items, scores, strict=True))
    name = "query-option similarity (TF-IDF), ties to the first option"
    return _of(name, "query, options, position", right, len(items))


def _gold(item: Item) -> int:
    return next(k for k, option in enumerate(item.options) if option.recipe_id == item.gold)


def _constant(items: Sequence[Item], slot: int) -> Scores:
    return [[float(k == slot) for k in range(N_OPTIONS)] for _ in items]


def _by_text(items: Sequence[Item], measure: Callable[[str], float]) -> Scores:
    return [[float(measure(option.text)) for option in item.options] for item in items]


def _texts(items: Sequence[Item]) -> list[str]:
    return [option.text for item in items for option in item.options]


def _vectors(items: Sequence[Item]) -> tuple[TfidfVectorizer, Any]:
    vectorizer = TfidfVectorizer(stop_words="english")
    return vectorizer, vectorizer.fit_transform(_texts(items))


def _query_similarity(items: Sequence[Item]) -> Scores:
    vectorizer, options = _vectors(items)
    queries = vectorizer.transform([item.query for item in items])
    return [
        np.round((options[N_OPTIONS * i : N_OPTIONS * (i + 1)] @ queries[i].T).toarray()[:, 0], _DECIMALS).tolist()
        for i in range(len(items))
    ]


def _centrality(items: Sequence[Item]) -> Scores:
    _, options = _vectors(items)
    scores = []
    for i in range(len(items)):
        block = options[N_OPTIONS * i : N_OPTIONS * (i + 1)]
        scores.append(np.round((block @ block.T).toarray().sum(axis=1), _DECIMALS).tolist())
    return scores


def _word_overlap(items: Sequence[Item]) -> Scores:
    def words(text: str) -> set[str]:
        return {"".join(c for c in word if c.isalnum()) for word in text.lower().split()}

    return [[float(len(words(item.query) & words(option.text))) for option in item.options] for item in items]


def _learned(items: Sequence[Item], folds: list[int]) -> Scores:
    """Score options with a classifier that predicts from an option's text whether the option is gold.

    For each fold, the classifier is trained on the other folds.
    """
    labels = np.array([option.recipe_id == item.gold for item in items for option in item.options])
    fold = np.repeat(folds, N_OPTIONS)
    texts = np.array(_texts(items), dtype=object)
    scores = np.zeros(len(texts))
    for k in sorted(set(folds)):
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        train = vectorizer.fit_transform(texts[fold != k])
        model = LogisticRegression(C=1.0, max_iter=1000, class_weight="balanced").fit(train, labels[fold != k])
        scores[fold == k] = model.decision_function(vectorizer.transform(texts[fold == k]))
    rows: Scores = np.round(scores, _DECIMALS).reshape(-1, N_OPTIONS).tolist()
    return rows


def _id_prior(items: Sequence[Item], folds: list[int]) -> Scores:
    """Score each option by how often its recipe id is gold in the other folds.

    In the other folds, the id is an option in n items, and the gold option in g of these items. The score is
    (g + 0.2) / (n + 1).
    """
    scores = []
    for item, fold in zip(items, folds, strict=True):
        others = [other for other, f in zip(items, folds, strict=True) if f != fold]
        seen = Counter(option.recipe_id for other in others for option in other.options)
        gold = Counter(other.gold for other in others)
        scores.append([(gold[o.recipe_id] + CHANCE) / (seen[o.recipe_id] + 1) for o in item.options])
    return scores


def _shared_options(items: Sequence[Item], folds: list[int], *, known: bool) -> Iterator[tuple[str, float]]:
    if known:
        parts = [part_of(item.item_id) for item in items]
        yield "published", _share(items, [p == "test" for p in parts], [p == "train" for p in parts])
    for k in sorted(set(folds)):
        yield f"fold{k}", _share(items, [f == k for f in folds], [f != k for f in folds])


def _share(items: Sequence[Item], test: list[bool], train: list[bool]) -> float:
    trained = {o.recipe_id for item, t in zip(items, train, strict=True) if t for o in item.options}
    tested = [item for item, t in zip(items, test, strict=True) if t]
    return sum(any(o.recipe_id in trained for o in item.options) for item in tested) / len(tested)
