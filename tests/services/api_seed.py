"""What the tests of the API put into a running site."""

from typing import Any

from studies.domain.exclusion import exclude_annotator
from studies.domain.tokens import make_token
from studies.enums import Scope
from tests import factories


def world() -> dict[str, Any]:
    """Make a study in each state, and a token of an administrator with every scope."""
    admin = factories.ResearcherFactory(username="ada", is_superuser=True)
    factories.draft_study(slug="draft")
    factories.ready_study(slug="ready", prompts=2)
    factories.ready_study(slug="pressed-twice", prompts=2)
    known = {}
    for study in (factories.open_study(slug="open", comparisons=2), factories.closed_study(slug="closed")):
        annotator = factories.AnnotatorFactory(study=study)
        made = exclude_annotator(annotator=annotator, rule="too-fast", reason="Two seconds.", actor="tests")
        known[study.slug] = {
            "annotator": annotator.pk,
            "pseudonym": annotator.pseudonym,
            "exclusion": made.pk,
        }
    factories.reported(study, json="{}", html="<p>A report</p>")
    return {"token": token(admin), "known": known}


def token(user: Any) -> str:
    """Return a token that may everything."""
    return make_token(user=user, name="tests", scopes=tuple(Scope), days=7, actor="tests")[1]
