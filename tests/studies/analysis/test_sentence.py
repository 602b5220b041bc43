"""No sentence claims more than its test: the matrix of outcomes."""

import pytest

from studies.analysis.result import INFERIOR, NOT_SHOWN, NOT_TESTED, SUPERIOR, decide
from studies.analysis.sentence import p_text, sentence
from studies.analysis.summary import analyze
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,annotator,outcome,criterion,candidate_arm,baseline_arm"


def headline(outcomes, *, annotators=8, prompts=8, criterion="instruction-adherence", **options):
    rows = [
        f"{p},p{p},a{a},{outcomes[(a * prompts + p) % len(outcomes)]},{criterion},guided,standard"
        for a in range(annotators)
        for p in range(prompts)
    ]
    return analyze(judgments_of(*rows, header=HEADER), **options).headline


def test_superior_is_claimed_as_the_apa_writes_it():
    result = headline(["win", "win", "win", "tie", "loss"])

    assert result.decision == SUPERIOR
    assert sentence(result).startswith(
        "Annotators preferred guided to standard for instruction adherence in 71.1 % of comparisons "
        "(ties counted half; W = 39, T = 13, L = 12; 95 % CI ["
    )
    assert "], clustered by annotator and prompt; t(7) = " in sentence(result)
    assert sentence(result).endswith("p = .004).")


def test_inferior_names_the_baseline_first():
    result = headline(["loss", "loss", "loss", "tie", "win"])

    assert result.decision == INFERIOR
    assert sentence(result).startswith("Annotators preferred standard to guided for instruction adherence: ")


def test_not_shown_is_no_equality():
    result = headline(["win", "loss", "win", "loss", "tie"])

    assert result.decision == NOT_SHOWN
    assert sentence(result).startswith("No preference between guided and standard was shown")
    assert sentence(result).endswith("This does not show that they are equally good.")


def test_one_annotator_is_not_tested():
    result = headline(["win"], annotators=1)

    assert result.decision == NOT_TESTED
    assert "could not be tested" in sentence(result)
    assert "CI" not in sentence(result)


def test_the_corrected_test_decides():
    # 6 annotators agree on one of two criteria: p = 2 / 2^6 = .031, corrected .0625.
    rows = [
        f"{p},p{p},a{a},{outcome},{criterion},guided,standard"
        for a in range(6)
        for p in range(6)
        for criterion, outcome in (("one", "win"), ("two", "tie"))
    ]

    result = analyze(judgments_of(*rows, header=HEADER)).headline

    assert result.rate.estimate.p_value == pytest.approx(2 / 2**6)
    assert result.p_holm == pytest.approx(4 / 2**6)
    assert result.decision == NOT_SHOWN
    assert "p = .031, Holm-adjusted p = .062" in sentence(result)


def test_the_tie_rule_and_level_are_printed():
    text = sentence(headline(["win", "win", "win", "tie", "loss"], ties="drop", alpha=0.1))

    assert "(ties left out; " in text
    assert "90 % CI [" in text


def test_default_names_read_as_words():
    rows = [f"{p},p{p},a{a},win" for a in range(7) for p in range(7)]
    result = analyze(judgments_of(*rows, header="comparison,prompt,annotator,outcome")).headline

    assert sentence(result).startswith(
        "Annotators preferred the candidate to the baseline in 100.0 % of comparisons (ties counted half; "
        "W = 49, T = 0, L = 0; 95 % CI [59.0, 100.0], exact on clusters; p = .016)."
    )


@pytest.mark.parametrize(
    ("mean", "p_value", "decision"),
    [
        (0.7, 0.049, SUPERIOR),
        (0.7, 0.05, NOT_SHOWN),
        (0.3, 0.049, INFERIOR),
        (0.3, 0.05, NOT_SHOWN),
        (0.5, 0.0, NOT_SHOWN),
        (0.7, None, NOT_TESTED),
        (None, None, NOT_TESTED),
    ],
)
def test_decisions(mean, p_value, decision):
    assert decide(mean, p_value, alpha=0.05) == decision


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.0009999, "p < .001"),
        (0.001, "p = .001"),
        (0.9996, "p > .999"),
        (1.0, "p = 1.000"),
        (0.0, "p < .001"),
    ],
)
def test_p_values_as_the_apa_prints_them(p_value, text):
    assert p_text(p_value) == text
