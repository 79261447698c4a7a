"""List the heads. A head is one way to score options with a checkpoint.

To add a head, write a scorer class, and an objective class if the head can be trained. Then add an entry to HEADS.
HEADS names classes by the text "module:Class", so that this module imports neither torch nor `finetune`. `resolve`
imports a named class.
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
        label: display name of the head, with "a" or "an".
        auto_class: name of the transformers class that loads the weights.
        scorer: "module:Class" of an `encoder.Scorer`; None if lm-eval's own backends score the head.
        objective: "module:Class" of a `finetune.objective.Objective`; None if `finetune` does not train the head.
        architectures: a checkpoint has this head if an architecture in `config.json` ends with one of these texts.
        module: a checkpoint has this head if an entry of `modules.json` contains this text; None to skip this check.
        num_labels: number of outputs of the classification layer; None if the number is not checked.
        label_prefix: a checkpoint has this head if it has several labels and one begins with this text; None to skip
            this check.
        unused_weights: name prefixes of weights that the head does not need. A checkpoint may lack these weights.
        is_causal: True if the model reads a prompt and answers with a letter. False for an encoder.
        own_settings: names of the recipe settings that only this head reads.
    """

    label: str
    auto_class: str
    scorer: str | None = None
    objective: str | None = None
    architectures: tuple[str, ...] = ()
    module: str | None = None
    num_labels: int | None = None
    label_prefix: str | None = None
    unused_weights: tuple[str, ...] = ()
    is_causal: bool = False
    own_settings: tuple[str, ...] = ()

    def transformers_class(self) -> Any:
        """Import transformers, and return the class that `auto_class` names."""
        import transformers

        return getattr(transformers, self.auto_class)


HEADS: Mapping[str, Head] = MappingProxyType({
    "causal": Head(
        label="a causal model",
        auto_class="AutoModelForCausalLM",
        objective="finetune.causal:LetterTraining",
        architectures=("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"),
        is_causal=True,
        own_settings=("lora", "packing"),
    ),
    "bi_encoder": Head(
        label="a bi-encoder",
        auto_class="AutoModel",
        scorer="recipe_mpr_task.models.bi_encoder:BiEncoder",
        objective="finetune.bi_encoder:BiEncoderTraining",
        module="Pooling",
        unused_weights=("pooler.",),  # an embedding does not use BERT's pooler
        own_settings=("aspects", "negation"),
    ),
    "multiple_choice": Head(
        label="a multiple-choice model",
        auto_class="AutoModelForMultipleChoice",
        scorer="recipe_mpr_task.models.pairs:MultipleChoice",
        objective="finetune.encoders:MultipleChoiceTraining",
        architectures=("ForMultipleChoice",),
    ),
    "nli": Head(  # must be before cross_encoder, which accepts every checkpoint of these architectures
        label="an entailment (NLI) model",
        auto_class="AutoModelForSequenceClassification",
        scorer="recipe_mpr_task.models.nli:Entailment",
        architectures=("ForSequenceClassification",),
        label_prefix="entail",
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
"""All heads by name. `head=NAME` selects a head."""

SCORED = tuple(name for name, head in HEADS.items() if head.scorer)
"""Names of the heads that `--model recipe-mpr-encoder` scores."""

TRAINED = tuple(name for name, head in HEADS.items() if head.objective)
"""Names of the heads that `recipe-mpr finetune` trains."""


def resolve(target: str) -> Any:
    """Import a module and return one of its attributes. `target` has the form "module:attribute"."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
