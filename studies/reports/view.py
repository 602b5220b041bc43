"""What the report's templates show: the summary, with every number printed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from studies.analysis.as_json import result_as_dict
from studies.analysis.records import Pair
from studies.analysis.result import Result
from studies.analysis.sentence import sentence, t_text
from studies.reports import figures as f
from studies.reports.design import ArmDesign
from studies.reports.flow import Flow
from studies.reports.plots import pictures
from studies.reports.summary import AnnotatorCount, ReportSummary, Sensitivity


def report_view(summary: ReportSummary) -> dict[str, Any]:
    """Return the context of ``reports/body.html``, to be handed in as ``report``."""
    analysis = summary.analysis
    return {
        "title": summary.title,
        "slug": summary.slug,
        "description": summary.description,
        "simulated": summary.integrity.simulated,
        "headline": _claim(summary.headline),
        "primary": _criterion(analysis.headline) if analysis else None,
        "pairs": [_pair(summary, pair) for pair in analysis.pairs] if analysis else [],
        "level": f"{100 * (1 - analysis.alpha):g}" if analysis else "95",
        "drop": bool(analysis) and analysis is not None and analysis.ties_rule == "drop",
        "family": len(analysis.results) if analysis else 0,
        "caveats": _caveats(summary),
        "sensitivity": [_sensitivity(row) for row in summary.sensitivities],
        "integrity": summary.integrity,
        "software": ", ".join(f"{name} {version}" for name, version in summary.integrity.software.items()),
        "flow": _flow(summary.flow),
        "design": summary.design,
        "families": ", ".join(f"{name} {count}" for name, count in summary.design.families.items()),
        "arms": [_arm(arm) for arm in summary.design.arms],
        "annotators": [_annotator(row) for row in summary.annotators],
    }


def _claim(headline: str) -> tuple[str, str]:
    """Return what is claimed and, apart, the figures that it rests on."""
    claim, parenthesis, figures = headline.partition(" (ties ")
    return claim, f"{parenthesis.strip()} {figures}" if parenthesis else ""


def _caveats(summary: ReportSummary) -> list[str]:
    if not summary.analysis:
        return []
    several = len(summary.analysis.results) > 1
    own = (
        f"{_name(result)}: {caveat}" if several else caveat
        for result in summary.analysis.results
        for caveat in result.rate.caveats
    )
    return [*summary.analysis.caveats, *dict.fromkeys(own)]


def _name(result: Result) -> str:
    return f"{result.criterion} ({result.pair.candidate})"


def _pair(summary: ReportSummary, pair: Pair) -> dict[str, Any]:
    results = summary.analysis.of_pair(pair) if summary.analysis else ()
    return {
        "candidate": pair.candidate,
        "baseline": pair.baseline,
        "criteria": [_criterion(result) for result in results],
        "pictures": pictures(results, simulated=summary.integrity.simulated),
    }


def _criterion(result: Result) -> dict[str, Any]:
    data = result_as_dict(result)
    naive, position, agreement = data["naive"], data["position"], data["agreement"]
    return {
        "name": result.criterion,
        "sentence": sentence(result),
        "decision": result.decision,
        "n": f.count(data["n"]),
        "wins": f.count(data["wins"]),
        "ties": f.count(data["ties"]),
        "both_bad": f.count(data["both_bad"]),
        "losses": f.count(data["losses"]),
        "win_rate": f.share(data["win_rate"]),
        "interval": f.interval(data["ci_low"], data["ci_high"]),
        "test": _test(data),
        "p_value": f.p_value(data["p_value"]),
        "p_holm": f.p_value(data["p_holm"]),
        "net": f.points(data["net"]),
        "design_effect": f.decimal(data["design_effect"]),
        "effective_n": f.decimal(data["effective_n"], 0),
        "decided": f.share(data["decided_win_rate"]),
        "decided_interval": f.interval(data["decided_ci_low"], data["decided_ci_high"]),
        "wilson": f.interval(naive["wilson_low"], naive["wilson_high"]),
        "clopper_pearson": f.interval(naive["clopper_pearson_low"], naive["clopper_pearson_high"]),
        "sign_test_p": f.p_value(naive["sign_test_p"]),
        "se": [(_SE_NAMES[name], f.decimal(value, 4)) for name, value in data["se_parts"].items()],
        "se_used": _SE_NAMES.get(data["se_from"] or "", f.NONE),
        "annotators": f.count(data["clusters"]["annotators"]),
        "prompts": f.count(data["clusters"]["prompts"]),
        "share_a": f.share(position["share_a"]),
        "position_interval": f.interval(position["ci_low"], position["ci_high"]),
        "position_p": f.p_value(position["p_value"]),
        "raw": f.share(agreement["raw"]),
        "alpha": f.decimal(agreement["alpha"], 3),
        "alpha_interval": _plain_interval(agreement["alpha_low"], agreement["alpha_high"]),
        "ac1": f.decimal(agreement["ac1"], 3),
        "compared": f.count(agreement["comparisons"]),
    }


_SE_NAMES = {
    "annotators": "by annotator",
    "prompts": "by prompt",
    "two_way": "two-way",
    "independent": "independent",
}


def _plain_interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f.NONE
    return f"[{low:.3f}, {high:.3f}]".replace("-", "−")


def _test(data: dict[str, Any]) -> str:
    if data["statistic"] is None:
        return f.NONE
    return t_text(data["statistic"], data["df"])


def _sensitivity(row: Sensitivity) -> dict[str, Any]:
    return {"label": row.label, **_criterion(row.result)}


def _annotator(row: AnnotatorCount) -> dict[str, Any]:
    return {**asdict(row), "median": f.decimal(row.median_seconds, 1)}


def _flow(flow: Flow) -> list[tuple[str, Any, str]]:
    """Return the steps of the flow: words, count, and what left at this step."""
    gone = [
        (flow.completions_failed, "{} could not be written"),
        (flow.identical_pairs, "{} of identical texts: automatic ties, not shown and not in the win rate"),
        (flow.assignments_planned - flow.assignments_filled, "{} not filled"),
        (flow.annotators_declined, "{} declined"),
        (flow.annotators_excluded, "{} excluded by rule"),
    ]
    failed, identical, unfilled, declined, excluded = (words.format(n) if n else "" for n, words in gone)
    left_out = [
        f"{flow.judgments_of_checks} of checks and repeats" if flow.judgments_of_checks else "",
        f"{flow.judgments_excluded} excluded by rule" if flow.judgments_excluded else "",
    ]
    skipped = f"{flow.skips} comparisons were skipped" if flow.skips else ""
    return [
        ("Prompts", f.count(flow.prompts), ""),
        ("Completions", f.count(flow.completions), failed),
        ("Comparisons", f.count(flow.comparisons), identical),
        ("Assignments planned", f.count(flow.assignments_planned), unfilled),
        ("Assignments filled", f.count(flow.assignments_filled), skipped),
        ("Annotators who came", f.count(flow.annotators_arrived), declined),
        ("Annotators who consented", f.count(flow.annotators_consented), ""),
        ("Annotators who judged", f.count(flow.annotators_judged), excluded),
        ("Judgments", f.count(flow.judgments), ", ".join(filter(None, left_out))),
        ("Judgments analysed", f.count(flow.judgments_analysed), ""),
    ]


_DECODING = {
    "guidance_scale": "Guidance scale",
    "negative": "Negative",
    "negative_text": "Negative text",
    "temperature": "Temperature",
    "top_k": "Top-k",
    "top_p": "Top-p",
    "min_p": "Min-p",
    "max_new_tokens": "Most new tokens",
    "plausibility": "Plausibility",
}


def _arm(arm: ArmDesign) -> dict[str, Any]:
    rows = [
        ("Role", arm.role),
        *(
            (_DECODING.get(key, key), _setting(value))
            for key, value in arm.decoding.items()
            if key != "negative_text" or value
        ),
        ("Checkpoint", arm.checkpoint),
        ("Source", " ".join(filter(None, (arm.source, arm.revision)))),
        ("Weights (SHA-256)", arm.weight_hash or f.NONE),
        ("Completions", f.count(arm.completions)),
        ("Mean tokens", f.decimal(arm.mean_tokens, 1)),
        ("Mean cost", f.flops(arm.mean_forward_flops)),
        ("Mean seconds", f.decimal(arm.mean_seconds, 2)),
        *((key.replace("_", " ").capitalize(), value) for key, value in arm.provenance.items()),
    ]
    return {"name": arm.name, "role": arm.role, "rows": rows}


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value).replace("_", " ")
