"""The pairs of a study, as a researcher looks for them."""

from __future__ import annotations

from django.db.models import QuerySet

from studies.enums import Kind
from studies.models import Comparison, Prompt, Study
from studies.queries.scan import scan

LEFT_OUT = "left-out"
"""Asks for the pairs that a researcher took out of the plan."""


def pairs(
    study: Study, *, search: str = "", stratum: str = "", left_out: bool = False
) -> QuerySet[Comparison, Comparison]:
    """Return the study's real pairs, or those left out, in the order of their prompts."""
    found = (
        Comparison.objects.filter(study=study, kind=Kind.LEFT_OUT if left_out else Kind.REAL)
        .select_related("prompt", "candidate", "baseline", "candidate_arm", "baseline_arm")
        .defer("candidate__token_ids", "baseline__token_ids", "candidate__request", "baseline__request")
        .order_by("prompt__position", "id")
    )
    if stratum:
        found = found.filter(prompt__stratum=stratum)
    if search:
        found = found.filter(prompt__in=_prompts_saying(study, search))
    return found


def _prompts_saying(study: Study, words: str) -> list[int]:
    """Return the prompts that contain ``words``.

    Compared here rather than in SQL: the databases disagree on how JSON spells letters beyond ASCII.
    """
    needle = words.casefold()
    return [
        prompt.pk
        for prompt in Prompt.objects.filter(study=study)
        if needle in prompt.name.casefold() or any(needle in turn.content.casefold() for turn in prompt.turns)
    ]


def strata(study: Study) -> list[str]:
    """Return the names of the study's strata."""
    named = study.prompts.exclude(stratum="").order_by("stratum")
    return list(named.values_list("stratum", flat=True).distinct())


def pair_keys(study: Study, *, search: str = "", stratum: str = "", flag: str = "") -> list[int]:
    """Return the primary keys of the pairs that have a flag, in their order; without one, of all.

    A list, because flags are found by reading the texts, and no database takes ten thousand keys kindly.
    """
    found = pairs(study, search=search, stratum=stratum, left_out=flag == LEFT_OUT)
    keys = list(found.values_list("pk", flat=True))
    if not flag or flag == LEFT_OUT:
        return keys
    flagged = scan(study).flagged(flag)
    return [key for key in keys if key in flagged]


def pairs_of(study: Study, keys: list[int]) -> list[Comparison]:
    """Return these pairs, one page of them, with all that a page shows."""
    found = Comparison.objects.filter(study=study, pk__in=keys).select_related(
        "prompt", "candidate", "baseline", "candidate_arm", "baseline_arm"
    )
    lean = found.defer(
        "candidate__token_ids", "baseline__token_ids", "candidate__request", "baseline__request"
    )
    return list(lean.order_by("prompt__position", "id"))
