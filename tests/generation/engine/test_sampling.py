import numpy as np
import pytest
import torch
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from generation.engine import sampling
from generation.engine.sampling import Settings, sample
from generation.spec import DecodingSpec


def settings_of(*specs: dict[str, float]) -> Settings:
    return Settings.of([DecodingSpec(checkpoint="tiny", **spec) for spec in specs], torch.device("cpu"))


def truncate(scores: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return the truncated logits of all tokens, minus infinity for those cut off."""
    values, tokens, enough = sampling.truncate(scores, settings, scores.shape[-1])
    assert enough.all()
    return torch.full_like(scores, -torch.inf).scatter(-1, tokens, values)


def by_transformers(scores: torch.Tensor, spec: DecodingSpec) -> torch.Tensor:
    """The oracle: transformers' processors, in the order of its `generate`."""
    warpers = [TemperatureLogitsWarper(spec.temperature)]
    if spec.top_k:
        warpers.append(TopKLogitsWarper(spec.top_k))
    if spec.top_p < 1:
        warpers.append(TopPLogitsWarper(spec.top_p))
    if spec.min_p:
        warpers.append(MinPLogitsWarper(spec.min_p))
    for warper in warpers:
        scores = warper(None, scores)
    return scores


@pytest.mark.parametrize("width", [40, 3000])
@pytest.mark.parametrize("spread", [0.1, 1.0, 8.0])
def test_truncation_equals_transformers(width: int, spread: float) -> None:
    rng = np.random.default_rng(11)
    specs = [
        DecodingSpec(
            checkpoint="tiny",
            temperature=float(rng.choice([0.3, 0.7, 1.0, 1.9])),
            top_k=int(rng.choice([0, 1, 5, 30, 5000])),
            top_p=float(rng.choice([0.01, 0.5, 0.95, 1.0])),
            min_p=float(rng.choice([0.0, 0.05, 0.9, 1.0])),
        )
        for _ in range(60)
    ]
    scores = torch.tensor(rng.normal(0, spread, (60, width)), dtype=torch.float32)
    expected = torch.cat([by_transformers(scores[i : i + 1], spec) for i, spec in enumerate(specs)])

    truncated = truncate(scores, Settings.of(specs, torch.device("cpu")))

    assert torch.equal(truncated.isinf(), expected.isinf())
    assert torch.allclose(truncated.softmax(-1), expected.softmax(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [8, 64, 200])
def test_a_head_of_the_best_tokens_is_all_that_is_left_or_says_so(size: int) -> None:
    scores = torch.randn(5, 500, generator=torch.Generator().manual_seed(3)) * 2
    settings = settings_of(
        {"top_p": 0.1},
        {"top_p": 0.8},
        {"top_k": 100},
        {"min_p": 0.1, "top_k": 300},
        {"top_k": 40, "top_p": 0.9},
    )
    in_full = truncate(scores, settings)

    values, tokens, enough = sampling.truncate(scores, settings, size)

    headed = torch.full_like(scores, -torch.inf).scatter(-1, tokens, values)
    assert torch.equal(headed[enough], in_full[enough])
    assert enough.tolist() == (in_full.isfinite().sum(-1) < size).tolist()


def test_draws_do_not_depend_on_how_many_tokens_are_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    scores = torch.tensor(rng.normal(0, 2, (300, 900)), dtype=torch.float32)
    choices = ({}, {"top_p": 0.9}, {"top_k": 50}, {"min_p": 0.02}, {"temperature": 3.0, "top_p": 0.99})
    settings = settings_of(*(choices[n % 5] for n in range(300)))
    first, second = torch.tensor(rng.integers(0, 2**32, (2, 300)))
    drawn = sample(scores, settings, first, second)

    monkeypatch.setattr(sampling, "_HEADS", (2, 7))

    assert torch.equal(sample(scores, settings, first, second), drawn)


def test_tokens_of_equal_score_at_the_boundary_stay_together() -> None:
    scores = torch.tensor([[3.0, 1.0, 1.0, 1.0, -9.0]])

    truncated = truncate(scores, settings_of({"top_p": 0.85}))

    assert truncated.isfinite().tolist() == [[True, True, True, True, False]]


def test_one_token_is_always_left() -> None:
    scores = torch.zeros(1, 5).index_fill(1, torch.tensor([2]), 4.0)

    truncated = truncate(scores, settings_of({"top_k": 1, "top_p": 0.01, "min_p": 1.0}))

    assert truncated.isfinite().tolist() == [[False, False, True, False, False]]


def test_rows_are_truncated_each_by_its_own_settings() -> None:
    scores = torch.tensor([[4.0, 3.0, 2.0, 1.0]]).repeat(3, 1)

    truncated = truncate(scores, settings_of({}, {"top_k": 2}, {"temperature": 0.5}))

    assert truncated.tolist() == [[4, 3, 2, 1], [4, 3, -torch.inf, -torch.inf], [8, 6, 4, 2]]
