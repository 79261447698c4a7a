"""List the heads: every way to score options with a checkpoint, and how it is recognised, loaded and trained.

To add a head, add an entry to HEADS, its scorer and, if it can be trained, its objective. Classes are named as text
("module:Class"), so that nothing here imports torch or a package above; `resolve` imports a class.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Head:
    """One way to score the options of a question.

    Attributes:
        label: the head's display name, with its article.
        auto_class: the transformers class that loads the weights.
        scorer: "module:Class" of an `encoder.Scorer`; None if lm-eval's own backends score.
        objective: "module:Class" of a `finetune.objective.Objective`, which `finetune` imports; None if not trained.
        architectures: endings of class names in `config.json` by which a checkpoint has this head.
        module: part of a module's name in sentence-transformers' `modules.json` by which a checkpoint has this head.
        num_labels: outputs of the classification layer; None for a head without one.
        unused_weights: prefixes of parameters that the head does not use and a checkpoint may lack.
        is_causal: whether the model answers a prompt by letter, as lm-eval's `hf` scores it; else it is an encoder.
        own_settings: settings of a recipe that only this head reads.
    """

    label: str
    auto_class: str
    scorer: str | None = None
    objective: str | None = None
    architectures: tuple[str, ...] = ()
    module: str | None = None
    num_labels: int | None = None
    unused_weights: tuple[str, ...] = ()
    is_causal: bool = False
    own_settings: tuple[str, ...] = ()

    def transformers_class(self) -> Any:
        """Return the transformers class `auto_class`."""
        import transformers

        return getattr(transformers, self.auto_class)


HEADS: Mapping[str, Head] = MappingProxyType({
    "causal": Head(
        label="a causal model",
        auto_class="AutoModelForCausalLM",
        objective="finetune.causal:LetterTraining",
        architectures=("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"),
        is_causal=True,
        own_settings=("lora",),
    ),
    "bi_encoder": Head(
        label="a bi-encoder",
        auto_class="AutoModel",
        scorer="recipe_mpr_task.models.bi_encoder:BiEncoder",
        objective="finetune.bi_encoder:BiEncoderTraining",
        module="Pooling",
        unused_weights=("pooler.",),  # BERT's pooler is no part of an embedding
        own_settings=("aspects", "negation"),
    ),
    "multiple_choice": Head(
        label="a multiple-choice model",
        auto_class="AutoModelForMultipleChoice",
        scorer="recipe_mpr_task.models.pairs:MultipleChoice",
        objective="finetune.encoders:MultipleChoiceTraining",
        architectures=("ForMultipleChoice",),
    ),
    "cross_encoder": Head(
        label="a cross-encoder",
        auto_class="AutoModelForSequenceClassification",
        scorer="recipe_mpr_task.models.pairs:CrossEncoder",
        objective="finetune.encoders:CrossEncoderTraining",
        architectures=("ForSequenceClassification",),
        num_labels=1,
    ),
    "masked_lm": Head(
        label="a masked language model",
        auto_class="AutoModelForMaskedLM",
        scorer="recipe_mpr_task.models.masked_lm:MaskedLM",
        architectures=("ForMaskedLM",),
    ),
})  # fmt: skip
"""Every head by the name that `head=` takes."""

SCORED = tuple(name for name, head in HEADS.items() if head.scorer)
"""Names of the heads that `--model recipe-mpr-encoder` scores."""

TRAINED = tuple(name for name, head in HEADS.items() if head.objective)
"""Names of the heads that `recipe-mpr finetune` trains."""


def resolve(target: str) -> Any:
    """Import and return what "module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
