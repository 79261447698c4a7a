"""Define the results of the steps. A worker process sends the results to the process that prints the table."""

from dataclasses import dataclass


class NotAvailableError(Exception):
    """A measurement needs something that this machine lacks. The message says what."""


@dataclass(frozen=True)
class Setting:
    """The hardware, software, models and items of a run. Each attribute is one line of text.

    Attributes:
        hardware: name of the GPU or the CPU.
        versions: versions of the libraries.
        models: shapes and parameters of the models.
        items: number and source of the items.
        tokens: mean number of tokens per prompt, and the tokenizer.
    """

    hardware: str
    versions: str
    models: str
    items: str
    tokens: str


@dataclass(frozen=True)
class Training:
    """A measured training run.

    Attributes:
        tokens_per_second: tokens that the model reads per second, without padding.
        padded_per_second: tokens that the model processes per second, with padding.
        items_per_second: training items per second.
        seconds: seconds of all epochs, without validation and checkpoints.
        epochs: number of epochs.
        is_whole: whether `seconds` was measured. If False, it was extrapolated from the timed steps.
        timed_steps: number of timed optimizer steps.
        steps: number of optimizer steps of all epochs.
        peak_bytes: peak memory; None if unknown.
        utilisation: model FLOPs utilisation, a fraction; None if the hardware's peak is unknown.
        note: differences from the recipe, such as smaller passes because memory ran out; "" if there are none.
    """

    tokens_per_second: float
    padded_per_second: float
    items_per_second: float
    seconds: float
    epochs: int
    is_whole: bool
    timed_steps: int
    steps: int
    peak_bytes: int | None
    utilisation: float | None
    note: str = ""


@dataclass(frozen=True)
class Scoring:
    """A measured scoring of items.

    Attributes:
        items_per_second: items per second, including tokenization.
        seconds: seconds for all items.
        n_items: number of items.
        peak_bytes: peak memory; None if unknown.
        note: settings and checks, such as the best batch size.
    """

    items_per_second: float
    seconds: float
    n_items: int
    peak_bytes: int | None
    note: str = ""


Result = Setting | Training | Scoring


@dataclass(frozen=True)
class Missing:
    """A step without a result.

    Attributes:
        reason: why there is no result.
        is_failure: False if the machine lacks an optional package.
    """

    reason: str
    is_failure: bool = True
