import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.engine.guidance import guide, plausible

GENERATOR = torch.Generator().manual_seed(5)
CONDITIONAL = torch.randn(4, 50, generator=GENERATOR) * 5
UNCONDITIONAL = torch.randn(4, 50, generator=GENERATOR) * 5


def test_scale_one_is_ordinary_sampling_exactly() -> None:
    assert torch.equal(guide(CONDITIONAL, UNCONDITIONAL, scale=torch.ones(4)), CONDITIONAL)


def test_scale_zero_is_unconditional() -> None:
    assert torch.equal(guide(CONDITIONAL, UNCONDITIONAL, scale=torch.zeros(4)), UNCONDITIONAL)


@given(st.lists(st.floats(0, 20), min_size=4, max_size=4))
def test_raw_logits_give_the_distribution_of_the_equation(scales: list[float]) -> None:
    # Oracle: equation 7 of arXiv 2306.17806 on log-probabilities, in 64-bit floats.
    scale = torch.tensor(scales)
    log_conditional = CONDITIONAL.double().log_softmax(-1)
    log_unconditional = UNCONDITIONAL.double().log_softmax(-1)
    expected = log_unconditional + scale.double()[:, None] * (log_conditional - log_unconditional)

    guided = guide(CONDITIONAL, UNCONDITIONAL, scale=scale)

    assert torch.allclose(guided.softmax(-1).double(), expected.softmax(-1), atol=1e-4)


def test_half_precision_is_combined_in_single() -> None:
    guided = guide(CONDITIONAL.half(), UNCONDITIONAL.half(), scale=torch.full((4,), 1.5))

    assert guided.dtype == torch.float32


def test_implausible_tokens_are_ruled_out_whatever_guidance_says() -> None:
    conditional = torch.tensor([[0.6, 0.3, 0.05, 0.05]]).log()

    masked = plausible(torch.tensor([[1.0, 2.0, 9.0, 3.0]]), conditional, share=torch.tensor([0.1]))

    assert masked.tolist() == [[1.0, 2.0, -torch.inf, -torch.inf]]


@pytest.mark.parametrize("share", [torch.zeros(4), torch.tensor([0.0, 0.5, 0.0, 0.0])])
def test_share_zero_rules_out_nothing(share: torch.Tensor) -> None:
    masked = plausible(CONDITIONAL, CONDITIONAL, share=share)

    assert torch.equal(masked[share == 0], CONDITIONAL[share == 0])
