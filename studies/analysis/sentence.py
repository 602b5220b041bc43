"""From a decision to a sentence that claims no more than its test."""

from __future__ import annotations

from studies.analysis.gates import NON_INFERIORITY, SHOWN, Step
from studies.analysis.judgments_file import DEFAULT_CRITERION, DEFAULT_PAIR
from studies.analysis.looks import Looks
from studies.analysis.noninferiority import Decision
from studies.analysis.result import INFERIOR, NOT_SHOWN, NOT_TESTED, SUPERIOR, Result
from studies.analysis.winrate import DROP

IN_ORDER = "in the plan's order p"


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
    >>> p_text(0.0496), p_text(0.04999), p_text(0.0503)
    ('p = .0496', 'p < .05', 'p = .050')
    """
    if p_value < 0.001:  # noqa: PLR2004 - the APA's limit
        return f"{name} < .001"
    if 0.9995 <= p_value < 1:  # noqa: PLR2004 - would be rounded to 1
        return f"{name} > .999"
    text = f"{p_value:.3f}"
    if text == "0.050" and p_value < 0.05:  # noqa: PLR2004 - a test at this level would seem to fail
        text = f"{p_value:.4f}"
        if text == "0.0500":
            return f"{name} < .05"
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
    if result.gate_closed:
        return (
            f"Whether annotators prefer {candidate} or {baseline}{topic} was not tested, because the plan "
            f"tests it only after the claims before it, which were not all shown: {rest}."
        )
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
    step = _step(result)
    if step is not None and step.p_corrected is None:
        return (
            f"Whether {candidate} is non-inferior to {baseline}{topic} was not tested, because the plan "
            "tests it only after the claims before it, which were not all shown."
        )
    if found.limit is None or found.p_value is None or result.rate.estimate.mean is None:
        return f"Whether {candidate} is worse than {baseline}{topic} could not be tested against a margin."
    figures = (
        f"win rate {percent(result.rate.estimate.mean)} %, lower limit of the one-sided "
        f"{100 * (1 - found.alpha):g} % interval {percent(found.limit)} %, "
        f"margin {_points(found.margin)} below 50 %; {_correction(found.p_value, step)}"
    )
    shown = found.decision is Decision.NON_INFERIOR if step is None else step.decision == SHOWN
    if shown:
        return (
            f"{_capital(candidate)} was non-inferior to {baseline}{topic} within a margin of "
            f"{_points(found.margin)} ({figures})."
        )
    return (
        f"It was not shown that {candidate} is non-inferior to {baseline}{topic} within a margin of "
        f"{_points(found.margin)} ({figures}). This does not show that it is worse."
    )


def non_inferiority_decision(result: Result) -> str:
    """Return the word for the test against the margin, in the plan's order where it has one."""
    if result.margins is None:
        return NOT_TESTED
    step = _step(result)
    if step is None or result.margins.non_inferiority.p_value is None:
        return result.margins.non_inferiority.decision.value
    if step.p_corrected is None:
        return NOT_TESTED
    return (Decision.NON_INFERIOR if step.decision == SHOWN else Decision.NON_INFERIORITY_NOT_SHOWN).value


def _step(result: Result) -> Step | None:
    return next((step for step in result.steps or () if step.claim == NON_INFERIORITY), None)


def _correction(p_value: float, step: Step | None) -> str:
    if step is None or step.p_corrected is None:
        return f"{p_text(p_value)}, not corrected for several tests"
    return f"{p_text(p_value)}, {p_text(step.p_corrected, IN_ORDER)}"


def graded_sentence(result: Result) -> str:
    """Return what the test of the mean score allows to say; it supports the headline only."""
    if result.graded is None:
        return ""
    found = result.graded.score
    candidate, baseline, topic = _names(result)
    if found.mean is None or found.p_value is None or found.ci_low is None or found.ci_high is None:
        return f"How strongly annotators prefer {candidate} or {baseline}{topic} could not be tested."
    figures = (
        f"mean score {_signed(found.mean)} on a scale from −{result.graded.steps} to {result.graded.steps}, "
        f"{100 * (1 - result.alpha):g} % CI [{_signed(found.ci_low)}, {_signed(found.ci_high)}], "
        f"{t_text(found.statistic or 0.0, found.df)}, {p_text(found.p_value)}, "
        "not corrected for several tests"
    )
    if found.p_value >= result.alpha or found.mean == 0:
        return (
            f"On the graded scale no preference between {candidate} and {baseline} was shown{topic} "
            f"({figures}). This does not show that they are equally good."
        )
    liked, other = (candidate, baseline) if found.mean > 0 else (baseline, candidate)
    return f"On the graded scale annotators preferred {liked} to {other}{topic} ({figures})."


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−").replace("+0.00", "0.00")


def looks_sentence(found: Looks, result: Result) -> str:
    """Return what the plan's rule says over all looks."""
    candidate, baseline, topic = _names(result)
    if found.monitoring is not None:
        looks = found.monitoring.looks
        rule = f"group-sequential plan, {len(looks)} {'look' if len(looks) == 1 else 'looks'} made"
        crossed = found.monitoring.stopped_at is not None
        candidate_ahead = bool(found.monitoring.favours_candidate)
    else:
        rule = "anytime-valid sequence, annotator by annotator"
        crossed = found.sequence is not None and found.sequence.rejected_at is not None
        candidate_ahead = (found.ci_low or 0.0) > 0.5  # noqa: PLR2004 - the null
    figures = f"({rule}; {p_text(found.p_value, 'over all looks p')})"
    if not crossed:
        return (
            f"The boundary of the planned looks was not crossed{topic} {figures}. This does not show that "
            f"{candidate} and {baseline} are equally good."
        )
    if found.caveats:
        return (
            f"The boundary of the planned looks was crossed{topic}, but the looks contradict each other "
            f"{figures}: no preference between {candidate} and {baseline} is claimed."
        )
    liked = candidate if candidate_ahead else baseline
    return f"The boundary of the planned looks was crossed in favour of {liked}{topic} {figures}."


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


def _interval(result: Result) -> str:
    """Return the interval that holds when looks were allowed, or the plain one when none were."""
    low, high = result.interval
    level = f"{100 * (1 - result.alpha):g} %"
    if low is None or high is None:
        return "no interval over the planned looks"
    if result.looks is None:
        return f"{level} CI [{percent(low)}, {percent(high)}]"
    of = " of annotators’ means" if result.looks.sequence is not None else ""
    return f"{level} CI{of} over all looks [{percent(low)}, {percent(high)}]"


def _inference(result: Result) -> list[str]:
    estimate = result.rate.estimate
    if estimate.ci_low is None or estimate.ci_high is None or estimate.p_value is None:
        return ["no interval: one annotator or one prompt only"]
    level = _interval(result)
    tests = [p_text(estimate.p_value)]
    if estimate.statistic is None:
        clustering = "exact on clusters"
    else:
        clustering = "clustered by annotator and prompt"
        tests.insert(0, t_text(estimate.statistic, estimate.df))
    if result.p_sequential is not None:
        tests.append(p_text(result.p_sequential, "over all looks p"))
    if result.steps is not None:
        corrected = result.p_corrected
        tests += [] if corrected is None else [p_text(corrected, IN_ORDER)]
    elif result.family > 1 and result.p_holm is not None:
        tests.append(p_text(result.p_holm, "Holm-adjusted p"))
    return [f"{level}, {clustering}", ", ".join(tests)]
