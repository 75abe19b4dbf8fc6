import pytest

from benchmarks.flops import flops_per_token, peak_of


def test_operations_of_a_token_are_six_a_weight_and_twelve_for_each_token_attended_to() -> None:
    assert flops_per_token(1_000, layers=0, hidden=8, window=4) == 6_000
    assert flops_per_token(0, layers=2, hidden=8, window=4) == 12 * 2 * 8 * 4


@pytest.mark.parametrize(
    ("device", "peak"),
    [("NVIDIA H200", 989e12), ("NVIDIA A100-SXM4-80GB", 312e12), ("NVIDIA L4", 121e12), ("Tesla V100", None)],
)
def test_a_card_is_found_by_the_word_in_its_name(device: str, peak: float | None) -> None:
    assert peak_of(device) == peak
