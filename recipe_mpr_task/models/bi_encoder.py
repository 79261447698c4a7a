"""Score an option by the cosine similarity of the option's embedding and the query's embedding."""

from collections.abc import Sequence
from typing import Any

import torch

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.models.loading import LoadSettings, load_model, load_tokenizer, max_length_of, run_in_batches
from recipe_mpr_task.models.negation import negated_part, negation_weight

_LEGACY_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
}
_SUPPORTED_MODULES = ("Transformer", "Pooling", "Normalize")


class BiEncoder:
    """An embedding model from a transformers checkpoint or a sentence-transformers folder.

    Pooling, maximum length and prompts are read from the checkpoint. If the checkpoint names no pooling, the token
    vectors are averaged, as in sentence-transformers.

    Raises:
        CheckpointError: the checkpoint lacks a weight, or needs a pooling or a module that this class does not support.
    """

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        self.truncated = self.n_tokens = 0
        self._settings = settings
        self._pooling = pooling_mode(checkpoint)
        self._prompts = text_prompts(checkpoint)
        self._negation = negation_weight(checkpoint)
        self._tokenizer = load_tokenizer(checkpoint, settings)
        declared = (checkpoint.read_json("sentence_bert_config.json") or {}).get("max_seq_length")
        self._max_length = max_length_of(checkpoint, self._tokenizer, settings, declared)
        self._model = load_model(HEADS["bi_encoder"], checkpoint, settings)
        self.n_parameters: int = self._model.num_parameters()

    def score(self, questions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """Return one list of option scores per question.

        A score is the cosine similarity of query and option. If the checkpoint sets a negation weight, the formula in
        `models.negation` is used. The distinct texts are sorted, and each text is embedded once. So an option's score
        is exactly equal in every order of the options.

        Args:
            questions: pairs of a query and its options.
        """
        queries = [self._prompts[0] + query for query, _ in questions]
        options = [[self._prompts[1] + text for text in texts] for _, texts in questions]
        negated = [self._negated(query) for query, _ in questions]
        texts = sorted({*queries, *filter(None, negated), *(text for row in options for text in row)})
        row = {text: i for i, text in enumerate(texts)}
        # Multiply element-wise in double, because rounding in a matrix product may depend on the position of a row.
        embeddings = self.embed(texts).double()
        vectors = [embeddings[row[query]] for query in queries]
        for place, text in enumerate(negated):
            if text:
                vectors[place] = vectors[place] - self._negation * embeddings[row[text]]
        return [
            (embeddings[[row[text] for text in texts_]] * vector).sum(dim=1).tolist()
            for vector, texts_ in zip(vectors, options, strict=True)
        ]

    def _negated(self, query: str) -> str:
        part = negated_part(query) if self._negation else ""
        return self._prompts[0] + part if part else ""

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """Return one embedding per text, normalised to length 1: shape (texts, hidden size), float32, on the CPU.

        A text with too many tokens for the model is cut. The number of cut texts is added to `truncated`.
        """
        encoded = self._tokenizer(list(texts))
        if cut := sum(len(ids) > self._max_length for ids in encoded["input_ids"]):
            self.truncated += cut
            encoded = self._tokenizer(list(texts), truncation=True, max_length=self._max_length)
        encodings = [{key: encoded[key][i] for key in encoded} for i in range(len(texts))]
        self.n_tokens += sum(map(len, encoded["input_ids"]))
        vectors = run_in_batches(encodings, self._tokenizer, self._settings, self._forward, "embedding")
        return torch.nn.functional.normalize(vectors, dim=1)

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return pooled(self._model(**batch).last_hidden_state, batch["attention_mask"], self._pooling)


def pooled(hidden: torch.Tensor, attention_mask: torch.Tensor, mode: str) -> torch.Tensor:
    """Combine the token vectors of each text into one vector.

    Args:
        hidden: the model's token vectors, shape (texts, tokens, hidden size).
        attention_mask: 1 for a token, 0 for padding, shape (texts, tokens).
        mode: "mean" or "max" over the text's tokens, or "cls" for the vector of the first token.

    Returns:
        Shape (texts, hidden size).
    """
    mask = attention_mask.unsqueeze(-1).bool()
    if mode == "cls":
        return hidden[:, 0]
    if mode == "max":
        return hidden.masked_fill(~mask, -torch.inf).amax(dim=1)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


def pooling_mode(checkpoint: Checkpoint) -> str:
    """Return the pooling that the checkpoint's files declare: "mean", "cls" or "max"; "mean" if they declare none.

    Raises:
        CheckpointError: the files declare another pooling, a pooling that omits the prompt, or a module that is not
            supported, such as Dense.
    """
    modules: list[dict[str, Any]] = checkpoint.read_json("modules.json") or []
    kinds = [str(module.get("type")).rsplit(".", 1)[-1] for module in modules]
    if unsupported := [kind for kind in kinds if kind not in _SUPPORTED_MODULES]:
        raise CheckpointError(
            f"{checkpoint.name}: unsupported sentence-transformers modules {', '.join(unsupported)}; "
            f"supported: {', '.join(_SUPPORTED_MODULES)}"
        )
    folder = next((m.get("path") for m, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), None)
    config = checkpoint.read_json(f"{folder}/config.json") if folder else None
    if config is None:
        return "mean"
    mode = config.get("pooling_mode") or [name for key, name in _LEGACY_POOLING.items() if config.get(key)]
    mode = mode[0] if isinstance(mode, list) and len(mode) == 1 else mode
    if mode not in _LEGACY_POOLING.values() or config.get("include_prompt") is False:
        raise CheckpointError(
            f"{checkpoint.name}: unsupported pooling {mode!r}, include_prompt={config.get('include_prompt', True)}; "
            "supported: mean, cls or max, with include_prompt=True"
        )
    return str(mode)


def text_prompts(checkpoint: Checkpoint) -> tuple[str, str]:
    """Return the checkpoint's prefix for a query and the prefix for an option. "" means no prefix."""
    config = checkpoint.read_json("config_sentence_transformers.json") or {}
    prompts = config.get("prompts") or {}
    default = prompts.get(config.get("default_prompt_name"), "")
    return prompts.get("query", default), prompts.get("document", prompts.get("passage", default))
