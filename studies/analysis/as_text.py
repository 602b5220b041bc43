"""The analysis as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from studies.analysis.absence import Absence
from studies.analysis.result import Result
from studies.analysis.sentence import (
    equivalence_sentence,
    non_inferiority_sentence,
    p_text,
    percent,
    sentence,
)
from studies.analysis.summary import Analysis

_HEAD = ("criterion", "W", "T", "L", "both bad", "win rate", "CI", "p", "Holm p", "design effect", "decision")


def analysis_as_text(analysis: Analysis) -> str:
    """Return the headline sentence, a table per pair of arms, and what has to be known beside it."""
    lines = [sentence(analysis.headline), ""]
    for pair in analysis.pairs:
        results = analysis.of_pair(pair)
        lines += [f"{pair.candidate} (candidate) against {pair.baseline} (baseline)"]
        lines += [*_aligned([_HEAD, *(_row(result) for result in results)]), ""]
        lines += [line for result in results for line in _beside(result)]
        lines += [""]
    lines += _scores(analysis)
    caveats = dict.fromkeys((*analysis.caveats, *(c for r in analysis.results for c in _named_caveats(r))))
    lines += [f"! {caveat}" for caveat in caveats]
    return "\n".join(lines).rstrip() + "\n"


def _named_caveats(result: Result) -> list[str]:
    return [f"{result.criterion}: {caveat}" for caveat in result.rate.caveats]


def _row(result: Result) -> tuple[str, ...]:
    rate, estimate = result.rate, result.rate.estimate
    return (
        result.criterion,
        str(rate.wins),
        str(rate.ties),
        str(rate.losses),
        str(rate.both_bad),
        "-" if estimate.mean is None else f"{percent(estimate.mean)} %",
        _span(estimate.ci_low, estimate.ci_high),
        _p(estimate.p_value),
        _p(result.p_holm),
        "-" if estimate.design_effect is None else f"{estimate.design_effect:.2f}",
        result.decision,
    )


def _span(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"[{percent(low)}, {percent(high)}]"


def _p(value: float | None) -> str:
    return "-" if value is None else p_text(value).removeprefix("p ").removeprefix("= ")


def _beside(result: Result) -> list[str]:
    """Return decided-only, naive, position and agreement of one result."""
    rate = result.rate
    lines = []
    if rate.decided.mean is not None:
        span = _span(rate.decided.ci_low, rate.decided.ci_high)
        lines.append(f"decided only {percent(rate.decided.mean)} % {span}")
        wilson = _span(rate.naive.wilson_low, rate.naive.wilson_high)
        sign = _p(rate.naive.sign_test_p)
        lines.append(f"assuming independent judgments (naive): Wilson {wilson}, sign test p {sign}")
    if rate.position.mean is not None:
        span = _span(rate.position.ci_low, rate.position.ci_high)
        p = _p(rate.position.p_value)
        lines.append(f"slot A chosen in {percent(rate.position.mean)} % {span}, p {p}")
    if rate.agreement.alpha is not None:
        count = rate.agreement.comparisons
        lines.append(f"Krippendorff's alpha {rate.agreement.alpha:.3f} over {count} comparisons")
    if result.margins is not None:
        lines += [non_inferiority_sentence(result), equivalence_sentence(result)]
    return [f"  {result.criterion}: {line}" for line in lines]


def _scores(analysis: Analysis) -> list[str]:
    """Return the scores of more than two arms, best first."""
    if analysis.several is None:
        return []
    found = analysis.several.bradley_terry
    if isinstance(found, Absence):
        return [f"No scores of all arms: {found.reason}", ""]
    rows = [("arm", "score", "CI", "ranks", "")]
    rows += [
        (
            arm.name,
            f"{arm.score:.3f}",
            "-" if arm.ci_low is None or arm.ci_high is None else f"[{arm.ci_low:.3f}, {arm.ci_high:.3f}]",
            "-" if arm.rank_low is None else f"{arm.rank_low} to {arm.rank_high}",
            "",
        )
        for arm in found.arms
    ]
    return [f"Bradley-Terry scores of {analysis.primary} (ties: {found.method})", *_aligned(rows), ""]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if 0 < index < len(row) - 1 else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
