"""Define the model sizes that the benchmark can measure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The models to measure, and the time limits.

    Attributes:
        causal: name of the causal model's architecture in `harness_configs/architectures`.
        encoder: name of the encoder's architecture.
        n_items: number of items. 80% are for training, as in the published split. All are scored.
        seconds: time limit of one training measurement.
        whole_seconds: time limit for our unchanged recipe, long enough for all its epochs.
        batch_sizes: batch sizes to try in lm-eval's loop.
        dtype: number type of the causal model.
        compiler: backend of torch.compile.
        patience: factor that multiplies the steps' time limits, which are set for a GPU.
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
    # This shape tests the code, not the speed. It has float32, because CPUs are slow in bfloat16. The backend "eager"
    # traces the layers but compiles nothing.
    "tiny": Shape("tiny", "tiny_bert", 40, 1, 5, (4, 16), "float32", "eager", 10),
}
