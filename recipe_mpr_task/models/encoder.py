"""Run BERT-style encoders as lm-eval models.

Use `--model recipe-mpr-encoder --model_args pretrained=PATH,head=HEAD`. HEAD is "auto" or one of `heads.SCORED`.
"""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from recipe_mpr_task.errors import CheckpointError, ModelArgsError
from recipe_mpr_task.models.checkpoint import Checkpoint, detect_head, open_checkpoint, refuse_causal
from recipe_mpr_task.models.heads import HEADS, SCORED, resolve
from recipe_mpr_task.models.loading import LoadSettings
from recipe_mpr_task.models.option_scorer import OptionScorerLM, Question, reject_unknown, score_in_groups
from recipe_mpr_task.suggest import did_you_mean

logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_BATCH_TOKENS = {"cpu": 512}
"""Device type to the default of `max_batch_tokens`. A device type that is not listed uses `_LARGE_BATCH`.

A CPU is fastest if the activations of a batch fit into its cache. `benchmarks/encoders.py` measures this.
"""

_LARGE_BATCH = 16384


class Scorer(Protocol):
    """A loaded checkpoint that scores the options of questions."""

    truncated: int
    """Number of texts that have been cut to the model's maximum length so far."""

    n_tokens: int
    """Number of tokens that the model has processed so far, without padding."""

    n_parameters: int
    """Number of the model's parameters."""

    def score(self, questions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """Return one list of option scores per question. A question is a pair (query, options)."""


def load_scorer(head: str, checkpoint: Checkpoint, settings: LoadSettings) -> Scorer:
    """Load a checkpoint to score options with a head, one of `heads.SCORED`.

    Raises:
        CheckpointError: the checkpoint cannot be used with this head.
    """
    scorer: Scorer = resolve(str(HEADS[head].scorer))(checkpoint, settings)
    return scorer


_ARGUMENTS = ("pretrained", "head", "revision", "dtype", "device", "batch_size", "max_batch_tokens", "max_length")


class EncoderLM(OptionScorerLM):
    """An encoder checkpoint as an lm-eval model.

    Args:
        pretrained: checkpoint folder or hub id.
        head: one of `heads.SCORED`, or "auto" for the head that the checkpoint's files declare.
        revision: branch, tag or commit of a hub id; None for the default branch.
        dtype: data type of the weights, one of DTYPES.
        device: name of a torch device. The CPU is used if the device is not available.
        batch_size: maximum number of texts in a batch. With "auto" or 1 (lm-eval's default), only `max_batch_tokens`
            limits a batch.
        max_batch_size: passed by lm-eval and ignored.
        max_batch_tokens: maximum number of tokens in a batch, padding included; the default depends on the device.
        max_length: maximum number of tokens in a text; the default is the checkpoint's own limit.
        trust_remote_code: whether to run Python code from the checkpoint.
        **unknown: any other argument, which raises an error.

    Raises:
        ModelArgsError: an argument or the value of an argument is not allowed.
        CheckpointError: the checkpoint does not exist, or cannot be used with this head.
    """

    scores_options_as = "recipe-mpr-encoder"

    def __init__(  # noqa: PLR0913, PLR0917 (each is a --model_args name)
        self,
        pretrained: str = "",
        head: str = "auto",
        revision: str | None = None,
        dtype: str = "float32",
        device: str | None = None,
        batch_size: int | str | None = None,
        max_batch_size: Any = None,
        max_batch_tokens: int | None = None,
        max_length: int | None = None,
        trust_remote_code: bool = False,
        **unknown: Any,
    ) -> None:
        super().__init__()
        self.truncated_in: dict[str, int] = {}
        self._asked: frozenset[tuple[str, str]] = frozenset()
        self._scores: dict[tuple[str, str], float] = {}
        self._cut = 0
        reject_unknown(unknown, allowed=_ARGUMENTS)
        for name, value, allowed in (("head", head, ["auto", *SCORED]), ("dtype", dtype, list(DTYPES))):
            if value not in allowed:
                raise ModelArgsError(f"{name}={value!r}; allowed: {', '.join(allowed)}{did_you_mean(value, allowed)}")
        checkpoint = open_checkpoint(str(pretrained), revision)
        refuse_causal(checkpoint)
        self.head_name = detect_head(checkpoint) if head == "auto" else head
        self._device = usable_device(device)
        self._sha = checkpoint.weights_sha256()
        self.pretrained, self.revision, self._dtype = str(pretrained), revision, dtype
        settings = LoadSettings(
            device=self._device,
            dtype=DTYPES[dtype],
            trust_remote_code=trust_remote_code,
            max_length=max_length,
            max_batch_tokens=max_batch_tokens or batch_tokens(self._device),
            max_batch_rows=_max_rows(batch_size),
        )
        try:
            self.head = load_scorer(self.head_name, checkpoint, settings)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CheckpointError(f"{pretrained}: cannot be loaded as {self.head_name}: {error}") from error

    def score_questions(self, questions: Sequence[Question]) -> list[list[float]]:
        """Return one list of option scores per question.

        Each task is scored separately, so that the batches of a task do not depend on the other tasks of the run.
        """
        return score_in_groups(questions, lambda question: question.task, self._score_task)

    def _score_task(self, questions: Sequence[Question]) -> list[list[float]]:
        asked = frozenset((question.query, option) for question in questions for option in question.options)
        if asked != self._asked:  # the stored scores are of other (query, option) pairs
            cut_before = self.head.truncated
            rows = self.head.score([(q.query, q.options) for q in questions])
            self._scores = {
                (question.query, option): score
                for question, row in zip(questions, rows, strict=True)
                for option, score in zip(question.options, row, strict=True)
            }
            self._asked, self._cut = asked, self.head.truncated - cut_before
        self.truncated_in[questions[0].task] = self._cut
        if self._cut:
            logger.warning("%s: %d texts were cut to the model's maximum length", questions[0].task, self._cut)
        return [[self._scores[question.query, option] for option in question.options] for question in questions]

    @property
    def n_tokens(self) -> int:
        """Number of tokens that the model has processed so far, without padding."""
        return self.head.n_tokens

    def get_model_info(self) -> dict[str, Any]:
        """Return the fields about the model that lm-eval writes into its results. `model_sha` hashes the weights."""
        return {
            "model_num_parameters": self.head.n_parameters,
            "model_dtype": self._dtype,
            "model_revision": self.revision or "",
            "model_sha": self._sha,
            "recipe_mpr_head": self.head_name,
            "recipe_mpr_truncated": sum(self.truncated_in.values()),
            "recipe_mpr_truncated_in": dict(self.truncated_in),
        }


def batch_tokens(device: torch.device) -> int:
    """Return the default of `max_batch_tokens` on a device."""
    return _BATCH_TOKENS.get(device.type, _LARGE_BATCH)


def _max_rows(batch_size: int | str | None) -> int | None:
    rows = str(batch_size or "auto")
    if rows.startswith("auto") or rows == "1":
        return None
    if not rows.isdecimal():
        raise ModelArgsError(f"batch_size={batch_size!r}; allowed: a positive number or auto")
    return int(rows)


def usable_device(name: str | None) -> torch.device:
    """Return the torch device with this name, or the CPU if the device is not available.

    Args:
        name: a torch device name; lm-eval's default is "cuda:0". None chooses the GPU if there is one, else the CPU.

    Raises:
        ModelArgsError: `name` is not a torch device name.
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError:
        raise ModelArgsError(f"device={name!r}; allowed: cpu, cuda, cuda:N, mps") from None
    if (device.type == "cuda" and not torch.cuda.is_available()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    ):
        logger.info("device %s is not available; the CPU is used", device)
        return torch.device("cpu")
    return device
