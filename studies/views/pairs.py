"""The pairs browser: blinded until the study closes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies import queries
from studies.analysis.text_flags import FLAGS
from studies.domain.access import allowed
from studies.domain.shown_pairs import blinded_pairs, unblinded_pairs
from studies.enums import Ability, Kind, StudyStatus
from studies.models import Study
from studies.views.access import study_view
from studies.views.common import page_of

_PER_PAGE = 10


@require_safe
@study_view(Ability.SEE_PAIRS)
def study_pairs(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the pairs, ten a page, searched and filtered."""
    wanted = {name: _words(request, name) for name in ("search", "stratum", "flag")}
    page = page_of(_only(queries.pair_keys(study, **wanted), _words(request, "pair")), request, _PER_PAGE)
    show = unblinded_pairs if study.unblinded else blinded_pairs
    scan = queries.scan(study)
    context = {
        "study": study,
        "tab": "pairs",
        "page": page,
        "pairs": show(study, queries.pairs_of(study, list(page)), first=page.start_index()),
        "wanted": wanted,
        "strata": queries.strata(study),
        "scan": [(name, words, scan.counts[name]) for name, words in FLAGS.items()],
        "flagged": len(scan.pairs),
        "left_out": study.comparisons.filter(kind=Kind.LEFT_OUT).count(),
        "changeable": study.status in (StudyStatus.READY, StudyStatus.GENERATING)
        and allowed(request.user, study, Ability.EDIT),
    }
    return render(request, "dashboard/pairs.html", context)


def _only(keys: list[int], pair: str) -> list[int]:
    """Return the one pair that the address names, if it does."""
    return [key for key in keys if str(key) == pair] if pair else keys


def _words(request: HttpRequest, name: str) -> str:
    """Return a value of the address, without the one character that PostgreSQL cannot hold."""
    return request.GET.get(name, "").replace("\0", "").strip()
