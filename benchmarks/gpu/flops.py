"""Count the floating-point operations that training needs, and look up the hardware's peak."""

from collections.abc import Sequence
from typing import Any

PEAKS = {
    "NVIDIA H100 80GB HBM3": {"bfloat16": 989.4, "float32": 66.9},
    "NVIDIA H100 PCIe": {"bfloat16": 756.0, "float32": 51.0},
    "NVIDIA H100 NVL": {"bfloat16": 835.5, "float32": 60.0},
    "NVIDIA H200": {"bfloat16": 989.4, "float32": 66.9},
    "NVIDIA A100-SXM4-80GB": {"bfloat16": 312.0, "float32": 19.5},
    "NVIDIA A100-SXM4-40GB": {"bfloat16": 312.0, "float32": 19.5},
    "NVIDIA A100 80GB PCIe": {"bfloat16": 312.0, "float32": 19.5},
    "NVIDIA A100-PCIE-40GB": {"bfloat16": 312.0, "float32": 19.5},
    "NVIDIA L40S": {"bfloat16": 362.0, "float32": 91.6},
    "NVIDIA L4": {"bfloat16": 121.0, "float32": 30.3},
    "NVIDIA GeForce RTX 4090": {"bfloat16": 165.2, "float32": 82.6},
    "NVIDIA GeForce RTX 3090": {"bfloat16": 71.0, "float32": 35.6},
}
"""Peak of a GPU in TFLOP/s, by torch's name of the GPU and the number type.

Source: NVIDIA's data sheets and, for GeForce, the architecture white papers. The bfloat16 peaks are for dense matrices,
with float32 accumulation. The float32 peaks are without TF32, which torch does not use by default.
"""


def training_flops(model: Any, lengths: Sequence[int], n_targets: int) -> float:
    """Return the floating-point operations of one forward and backward pass over texts, without padding.

    A trained weight needs 6 operations per token: 2 forward, 2 for the input's gradient, 2 for the weight's gradient. A
    frozen weight needs 4. Attention needs 12 x layers x heads x head dimension x length operations per token, as in
    PaLM (arXiv 2204.02311, appendix B). The output head of a causal model is counted only for the predicted tokens.
    Embedding lookups need no operations. A pooler is counted for every token, which is 0.3% too much for BERT-large.

    Args:
        model: the model, with its adapter if it has one.
        lengths: number of tokens of each text.
        n_targets: number of predicted tokens.
    """
    import torch

    head = model.get_output_embeddings()
    a_token, a_target = 0, 0
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            needed = (6 if module.weight.requires_grad else 4) * module.weight.numel()
            a_token, a_target = (a_token, a_target + needed) if module is head else (a_token + needed, a_target)
    config = model.config
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    attention = 12 * config.num_hidden_layers * config.num_attention_heads * head_size * sum(n * n for n in lengths)
    return float(a_token * sum(lengths) + a_target * n_targets + attention)


def peak_flops(device: str, dtype: str) -> float | None:
    """Return the peak of a device in FLOP/s; None if it is unknown.

    Args:
        device: torch's name of the GPU.
        dtype: name of the number type that the model computes in.
    """
    import torch

    if dtype == "float32" and torch.get_float32_matmul_precision() != "highest":
        return None
    teraflops = PEAKS.get(device, {}).get(dtype)
    return teraflops * 1e12 if teraflops else None
