"""The rules that a plan fixed before opening, applied as exclusion flags: logged, and reversible."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.conduct import Conduct, agree, conduct
from studies.domain.errors import StudyError
from studies.domain.exclusion import exclude_annotator
from studies.models import Annotator, Exclusion, Study

_FEWEST_TIMES = 5
_FEWEST_ANSWERS = 10
"""Fewer answers than that say nothing of straight-lining, nor of agreement with the others."""
_FEWEST_REPEATS = 2
_WORDS = {
    "failed_checks": _("Not passed: {threshold} attention checks or more"),
    "median_active_ms": _("A median active time below {threshold} ms, of {least} comparisons or more"),
    "same_answer_share": _("One answer in a share of {threshold} or more, of {least} comparisons or more"),
    "self_agreement": _("Swapped repeats alike in a share below {threshold}, of {least} repeats or more"),
    "others_agreement": _(
        "A mean share below {threshold} of the others who gave the same answer, of {least} comparisons or "
        "more that others judged too"
    ),
}
_LEAST = {
    "median_active_ms": _FEWEST_TIMES,
    "same_answer_share": _FEWEST_ANSWERS,
    "self_agreement": _FEWEST_REPEATS,
    "others_agreement": _FEWEST_ANSWERS,
}


def spoken_rules(study: Study, *, say: Callable[[str], str] = str) -> list[str]:
    """Return the study's rules as sentences with their thresholds; ``say`` may put them into a language."""
    return [
        say(words).format(threshold=study.quality[key], least=_LEAST.get(key))
        for key, words in _WORDS.items()
        if key in study.quality
    ]


def broken_rules(study: Study, how: Conduct) -> Iterator[tuple[str, str]]:
    """Yield each rule that somebody's conduct breaks, with the figures as its reason."""
    for key, (rule, broken) in _RULES.items():
        threshold = study.quality.get(key)
        said = None if threshold is None else broken(how, threshold)
        if said is not None:
            yield rule, f"{said}; the plan's threshold is {_told(key, threshold)}"


def _told(key: str, threshold: float) -> str:
    if key == "median_active_ms":
        return f"{threshold} ms"
    return f"{threshold}" if key == "failed_checks" else f"{threshold:.0%}"


def _failed_checks(how: Conduct, most: float) -> str | None:
    return f"{how.failed} of {how.checks} checks not passed" if how.failed >= most else None


def _too_fast(how: Conduct, least: float) -> str | None:
    median = how.median_ms
    fast = median is not None and len(how.times) >= _FEWEST_TIMES and median < least
    return f"median active time {median:.0f} ms" if fast else None


def _straight_lining(how: Conduct, most: float) -> str | None:
    same = how.most_common
    one_sided = same is not None and how.answers.total() >= _FEWEST_ANSWERS and same >= most
    return f"the same answer in {same:.0%}" if one_sided else None


def _inconsistent(how: Conduct, least: float) -> str | None:
    share = how.self_agreement
    differs = share is not None and how.repeats >= _FEWEST_REPEATS and share < least
    return f"{how.alike} of {how.repeats} swapped repeats alike" if differs else None


def _disagreeing(how: Conduct, least: float) -> str | None:
    share = how.others_agreement
    alone = share is not None and len(how.agreed) >= _FEWEST_ANSWERS and share < least
    return f"agreed with {share:.0%} of the others, over {len(how.agreed)} comparisons" if alone else None


_RULES: dict[str, tuple[str, Callable[[Conduct, float], str | None]]] = {
    "failed_checks": ("failed-checks", _failed_checks),
    "median_active_ms": ("too-fast", _too_fast),
    "same_answer_share": ("straight-lining", _straight_lining),
    "self_agreement": ("inconsistent", _inconsistent),
    "others_agreement": ("disagreeing", _disagreeing),
}
"""By the key in the study file: the rule's name, and what tells whether it is broken."""


def apply_rules(*, study: Study, actor: str) -> list[Exclusion]:
    """Exclude whoever breaks one of the plan's rules, and return the new exclusions.

    Harmless to repeat. An exclusion that somebody has revoked is not made again: the log has who
    revoked it, and a rule does not overrule a person.
    """
    if not study.frozen:
        message = gettext("“%(study)s” is not open yet, so there is nobody to judge by its rules.") % {
            "study": study.slug
        }
        raise StudyError(message)
    known = set(
        Exclusion.objects.filter(study=study, annotator__isnull=False).values_list("annotator", "rule")
    )
    people = {annotator.pk: annotator for annotator in Annotator.objects.filter(study=study)}
    how = conduct(study)
    agree(how)
    return [
        exclude_annotator(annotator=people[pk], rule=rule, reason=reason, actor=actor)
        for pk, each in how.items()
        for rule, reason in broken_rules(study, each)
        if (pk, rule) not in known
    ]
