"""The rules that a plan fixed before opening, applied as exclusion flags: logged, and reversible."""

from __future__ import annotations

from collections.abc import Iterator

from studies.domain.conduct import Conduct, conduct
from studies.domain.errors import StudyError
from studies.domain.exclusion import exclude_annotator
from studies.models import Annotator, Exclusion, Study

_FEWEST_TIMES = 5
_FEWEST_ANSWERS = 10
"""Fewer answers than that say nothing of straight-lining."""
_WORDS = {
    "failed_checks": "Not passed: {} attention checks or more",
    "median_active_ms": f"A median active time below {{}} ms, of {_FEWEST_TIMES} comparisons or more",
    "same_answer_share": f"One answer in a share of {{}} or more, of {_FEWEST_ANSWERS} comparisons or more",
}


def spoken_rules(study: Study) -> list[str]:
    """Return the study's rules as sentences with their thresholds."""
    return [words.format(study.quality[key]) for key, words in _WORDS.items() if key in study.quality]


def broken_rules(study: Study, how: Conduct) -> Iterator[tuple[str, str]]:
    """Yield each rule that somebody's conduct breaks, with the figures as its reason."""
    rules = study.quality
    failed = how.checks - how.passed
    if "failed_checks" in rules and failed >= rules["failed_checks"]:
        yield (
            "failed-checks",
            f"{failed} of {how.checks} checks not passed; the plan's threshold is {rules['failed_checks']}",
        )
    slow, median = rules.get("median_active_ms"), how.median_ms
    if slow is not None and median is not None and len(how.times) >= _FEWEST_TIMES and median < slow:
        yield "too-fast", f"median active time {median:.0f} ms; the plan's threshold is {slow} ms"
    share, same = rules.get("same_answer_share"), how.most_common
    enough = how.answers.total() >= _FEWEST_ANSWERS
    if share is not None and same is not None and enough and same >= share:
        yield "straight-lining", f"the same answer in {same:.0%}; the plan's threshold is {share:.0%}"


def apply_rules(*, study: Study, actor: str) -> list[Exclusion]:
    """Exclude whoever breaks one of the plan's rules, and return the new exclusions.

    Harmless to repeat. An exclusion that somebody has revoked is not made again: the log has who
    revoked it, and a rule does not overrule a person.
    """
    if not study.frozen:
        message = f"“{study.slug}” is not open yet, so there is nobody to judge by its rules."
        raise StudyError(message)
    known = set(
        Exclusion.objects.filter(study=study, annotator__isnull=False).values_list("annotator", "rule")
    )
    people = {annotator.pk: annotator for annotator in Annotator.objects.filter(study=study)}
    return [
        exclude_annotator(annotator=people[pk], rule=rule, reason=reason, actor=actor)
        for pk, how in conduct(study).items()
        for rule, reason in broken_rules(study, how)
        if (pk, rule) not in known
    ]
