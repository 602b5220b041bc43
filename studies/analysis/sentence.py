"""From a decision to a sentence that claims no more than its test."""

from __future__ import annotations

from studies.analysis.judgments_file import DEFAULT_CRITERION, DEFAULT_PAIR
from studies.analysis.noninferiority import Decision
from studies.analysis.result import INFERIOR, NOT_SHOWN, SUPERIOR, Result
from studies.analysis.winrate import DROP


def percent(share: float) -> str:
    """Return a share as a percentage with one digit, without its sign.

    >>> percent(0.752809)
    '75.3'
    """
    return f"{100 * share:.1f}"


def p_text(p_value: float, name: str = "p") -> str:
    """Return a p-value as the APA prints it.

    >>> p_text(0.0163), p_text(0.0001), p_text(1.0), p_text(0.9999)
    ('p = .016', 'p < .001', 'p = 1.000', 'p > .999')
    """
    if p_value < 0.001:  # noqa: PLR2004 - the APA's limit
        return f"{name} < .001"
    if 0.9995 <= p_value < 1:  # noqa: PLR2004 - would be rounded to 1
        return f"{name} > .999"
    text = f"{p_value:.3f}"
    return f"{name} = {text.removeprefix('0')}"


def t_text(statistic: float, df: int | None) -> str:
    """Return a t statistic with its degrees of freedom and a real minus sign.

    >>> t_text(-0.351, 12)
    't(12) = −0.35'
    """
    return f"t({df}) = {statistic:.2f}".replace("-", "−")


def sentence(result: Result) -> str:
    """Return the sentence that a paper may quote."""
    rate, estimate = result.rate, result.rate.estimate
    candidate, baseline, topic = _names(result)
    if estimate.mean is None:
        counts = f"W = {rate.wins}, T = {rate.ties + rate.both_bad}, L = {rate.losses}"
        return f"No judgments{topic} enter the comparison of {candidate} with {baseline} ({counts})."
    share = f"in {percent(estimate.mean)} % of comparisons"
    if result.decision == SUPERIOR:
        return f"Annotators preferred {candidate} to {baseline}{topic} {share} ({_figures(result)})."
    rest = f"annotators preferred {candidate} {share} ({_figures(result)})"
    if result.decision == INFERIOR:
        return f"Annotators preferred {baseline} to {candidate}{topic}: {rest}."
    if result.decision == NOT_SHOWN:
        return (
            f"No preference between {candidate} and {baseline} was shown{topic}: {rest}. "
            "This does not show that they are equally good."
        )
    return f"Whether annotators prefer {candidate} or {baseline}{topic} could not be tested: {rest}."


def non_inferiority_sentence(result: Result) -> str:
    """Return what the test against the margin allows to say."""
    if result.margins is None:
        return ""
    found = result.margins.non_inferiority
    candidate, baseline, topic = _names(result)
    if found.limit is None or found.p_value is None or result.rate.estimate.mean is None:
        return f"Whether {candidate} is worse than {baseline}{topic} could not be tested against a margin."
    figures = (
        f"win rate {percent(result.rate.estimate.mean)} %, lower limit of the one-sided "
        f"{100 * (1 - found.alpha):g} % interval {percent(found.limit)} %, "
        f"margin {_points(found.margin)} below 50 %; {p_text(found.p_value)}, not corrected for several tests"
    )
    if found.decision is Decision.NON_INFERIOR:
        return (
            f"{_capital(candidate)} was non-inferior to {baseline}{topic} within a margin of "
            f"{_points(found.margin)} ({figures})."
        )
    return (
        f"It was not shown that {candidate} is non-inferior to {baseline}{topic} within a margin of "
        f"{_points(found.margin)} ({figures}). This does not show that it is worse."
    )


def equivalence_sentence(result: Result) -> str:
    """Return what the two one-sided tests allow to say."""
    if result.margins is None:
        return ""
    found = result.margins.equivalence
    candidate, baseline, topic = _names(result)
    if found.low is None or found.high is None or found.p_value is None:
        return f"Whether {candidate} and {baseline} are equivalent{topic} could not be tested."
    figures = (
        f"{100 * (1 - 2 * found.alpha):g} % interval [{percent(found.low)}, {percent(found.high)}], "
        f"50 % ± {_points(found.margin)}; {p_text(found.p_value)}, not corrected for several tests"
    )
    if found.decision is Decision.EQUIVALENT:
        return (
            f"{_capital(candidate)} and {baseline} were equivalent{topic} within {_points(found.margin)} "
            f"({figures})."
        )
    return (
        f"It was not shown that {candidate} and {baseline} are equivalent{topic} within "
        f"{_points(found.margin)} ({figures}). This does not show that they differ."
    )


def _names(result: Result) -> tuple[str, str, str]:
    topic = "" if result.criterion == DEFAULT_CRITERION else f" for {_words(result.criterion)}"
    return _arm(result.pair.candidate), _arm(result.pair.baseline), topic


def _capital(text: str) -> str:
    return text.replace("the ", "The ", 1) if text.startswith("the ") else text


def _points(margin: float) -> str:
    points = f"{100 * margin:g}"
    return "1 point" if points == "1" else f"{points} points"


def _arm(name: str) -> str:
    return f"the {name}" if name in DEFAULT_PAIR else name


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _figures(result: Result) -> str:
    """Return the parenthesis: tie rule, counts, interval, test."""
    rate = result.rate
    rule = "ties left out" if rate.ties_rule == DROP else "ties counted half"
    counts = [f"W = {rate.wins}", f"T = {rate.ties}", f"L = {rate.losses}"]
    if rate.both_bad:
        counts.insert(2, f"both bad = {rate.both_bad}")
    return "; ".join([rule, ", ".join(counts), *_inference(result)])


def _inference(result: Result) -> list[str]:
    estimate = result.rate.estimate
    if estimate.ci_low is None or estimate.ci_high is None or estimate.p_value is None:
        return ["no interval: one annotator or one prompt only"]
    level = f"{100 * (1 - result.alpha):g} % CI [{percent(estimate.ci_low)}, {percent(estimate.ci_high)}]"
    tests = [p_text(estimate.p_value)]
    if estimate.statistic is None:
        clustering = "exact on clusters"
    else:
        clustering = "clustered by annotator and prompt"
        tests.insert(0, t_text(estimate.statistic, estimate.df))
    if result.family > 1 and result.p_holm is not None:
        tests.append(p_text(result.p_holm, "Holm-adjusted p"))
    return [f"{level}, {clustering}", ", ".join(tests)]
