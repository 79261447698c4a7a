"""Define the sizes that the benchmark can measure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The models to measure and how long to measure them.

    Attributes:
        causal: name of the causal model's architecture in `harness_configs/architectures`.
        encoder: name of the encoder's architecture.
        n_items: number of items: 80% are trained on, as in the published split, and all are scored.
        seconds: seconds for which a training step is timed, at most.
        whole_seconds: the same for our recipe itself, so that all of its epochs fit.
        batch_sizes: batch sizes to try in lm-eval's loop.
        dtype: number type of the causal model.
        compiler: backend of torch.compile.
        patience: factor of the steps' time limits, which are made for a GPU.
    """

    causal: str
    encoder: str
    n_items: int
    seconds: float
    whole_seconds: float
    batch_sizes: tuple[int, ...]
    dtype: str
    compiler: str
    patience: float = 1


SHAPES = {
    "qwen3_8b": Shape("qwen3_8b", "bert_large", 500, 15, 60, (8, 16, 32, 64, 128), "bfloat16", "inductor"),
    # Not for speed: CPUs compute in bfloat16 slowly, and the backend "eager" traces the layers but compiles nothing.
    "tiny": Shape("tiny", "tiny_bert", 40, 1, 5, (4, 16), "float32", "eager", 10),
}
