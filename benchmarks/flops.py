"""Floating-point operations of a training step, and what a GPU can do at best: pure."""

PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10G": 70e12}
"""Dense bf16 operations a second by NVIDIA's data sheets, of the SXM form where there are several."""


def flops_per_token(parameters: int, *, layers: int, hidden: int, window: int) -> float:
    """Operations of forward and backward for one token: 6 N + 12 L H Q T (Chowdhery et al. 2022, PaLM, appendix B).

    Args:
        parameters: Weights that multiply each token: without the embeddings.
        layers: L.
        hidden: H Q, heads times their size.
        window: T, the tokens that one attends to.
    """
    return 6 * parameters + 12 * layers * hidden * window


def peak_of(device: str) -> float | None:
    """Operations a second that a GPU of this name does at best, or none if it is not in the table."""
    words = device.replace("-", " ").split()
    return next((peak for name, peak in PEAKS.items() if name in words), None)
