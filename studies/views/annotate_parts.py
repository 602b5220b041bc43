"""The parts of the comparison page that say the same at every comparison of a study.

They are half of the page's words and most of its markup, so they are rendered once for each language
and kept, unless a form comes back with something missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import translation

from studies.domain.criteria import criteria_of
from studies.forms.annotate import JudgmentForm, ReportForm
from studies.models import Study

_PARTS = ("questions", "reason", "report", "help")
_KEPT = 128
"""Studies in a language."""


def parts(study: Study, form: JudgmentForm | None, report: ReportForm | None) -> Mapping[str, str]:
    """Return the questions, the reason, the report of a problem and the help, by these names."""
    if form or report or not study.plan_hash:
        return _rendered(study, form, report)
    return _unanswered(study, study.key, study.plan_hash, translation.get_language())


@lru_cache(_KEPT)
def _unanswered(study: Study, _key: UUID, _plan_hash: str, _language: str | None) -> Mapping[str, str]:
    return _rendered(study, None, None)


def _rendered(study: Study, form: JudgmentForm | None, report: ReportForm | None) -> Mapping[str, str]:
    form = form or JudgmentForm(criteria=criteria_of(study), reasons=study.reasons)
    context = {
        "questions": form.questions(),
        "reason": form.data.get("reason", ""),
        "ticks": form.ticks(),
        "reason_needed": study.reasons.get("required", False),
        "reason_missing": "reason" in form.errors,
        "report": report or ReportForm(),
    }
    return {name: render_to_string(f"annotate/parts/{name}.html", context) for name in _PARTS}
