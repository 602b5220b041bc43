"""The pairs of a study, and a scan of their quality before anybody is paid to read them.

A flag belongs to a pair, never to one of its texts, so it tells a blinded researcher nothing of arms.
"""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from generation.spec import FinishReason
from studies.enums import Kind
from studies.models import Comparison, Prompt, Study

_SPECIAL_TOKENS = r"<\|[^|<>]{1,40}\|>|</?s>|\[/?INST\]|<(unk|pad|bos|eos)>|<(start|end)_of_turn>"


def _either(**lookup: object) -> Q:
    """Match a pair when one of its texts does."""
    return Q(**{f"candidate__{key}": value for key, value in lookup.items()}) | Q(
        **{f"baseline__{key}": value for key, value in lookup.items()}
    )


FLAGS: dict[str, tuple[str, Q]] = {
    "empty": ("An empty response", _either(text__regex=r"^\s*$")),
    "identical": ("Both responses are the same", Q(identical=True)),
    "cut-off": ("A response cut off at the length limit", _either(finish_reason=FinishReason.LENGTH.value)),
    "special-tokens": ("A response that leaks special tokens", _either(text__regex=_SPECIAL_TOKENS)),
}
"""What the scan looks for: the name in addresses, the words on the page, the question to the database."""


def pairs(
    study: Study, *, search: str = "", stratum: str = "", flag: str = ""
) -> QuerySet[Comparison, Comparison]:
    """Return the study's real pairs, in the order of their prompts."""
    found = (
        Comparison.objects.filter(study=study, kind=Kind.REAL)
        .select_related("prompt", "candidate", "baseline", "candidate_arm", "baseline_arm")
        .defer("candidate__token_ids", "baseline__token_ids", "candidate__request", "baseline__request")
        .order_by("prompt__position", "id")
    )
    if stratum:
        found = found.filter(prompt__stratum=stratum)
    if flag in FLAGS:
        found = found.filter(FLAGS[flag][1])
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


def flag_counts(study: Study) -> dict[str, int]:
    """Return how many pairs have each flag, in one query."""
    real = Comparison.objects.filter(study=study, kind=Kind.REAL)
    counts = {name.replace("-", "_"): Count("id", filter=condition) for name, (_, condition) in FLAGS.items()}
    found = real.order_by().aggregate(**counts)
    return {name: found[name.replace("-", "_")] for name in FLAGS}


def flags_of(comparisons: list[Comparison]) -> dict[int, list[str]]:
    """Return the flags of each comparison, as words, in one query per flag."""
    marked: dict[int, list[str]] = {comparison.pk: [] for comparison in comparisons}
    for words, condition in FLAGS.values():
        for pk in Comparison.objects.filter(condition, pk__in=list(marked)).values_list("pk", flat=True):
            marked[pk].append(words)
    return marked
