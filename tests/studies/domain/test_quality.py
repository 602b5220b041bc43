"""Rules fixed in the plan: who breaks them is flagged, once, with the figures, and reversibly."""

from collections import Counter

import pytest
from django.utils import timezone

from studies.domain.audit import first_broken_event
from studies.domain.conduct import Conduct
from studies.domain.errors import StudyError
from studies.domain.exclusion import revoke_exclusion
from studies.domain.quality import apply_rules, broken_rules, spoken_rules
from studies.models import AuditEvent, Judgment, Study
from tests.factories import AnnotatorFactory, draft_study, judge, open_study

pytestmark = pytest.mark.django_db
RULES = {"failed_checks": 2, "median_active_ms": 1500, "same_answer_share": 0.9}


def broken(**fields):
    return [rule for rule, _ in broken_rules(Study(quality=RULES), Conduct(**fields))]


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"checks": 3, "passed": 1}, ["failed-checks"]),
        ({"checks": 3, "passed": 2}, []),
        ({"times": [1499] * 5}, ["too-fast"]),
        ({"times": [1500] * 5}, []),
        ({"times": [10] * 4}, []),
        ({"answers": Counter(A=9, B=1)}, ["straight-lining"]),
        ({"answers": Counter(A=8, B=2)}, []),
        ({"answers": Counter(A=9)}, []),
        ({}, []),
    ],
)
def test_a_rule_holds_from_its_threshold_on(fields, rules):
    assert broken(**fields) == rules


def test_a_study_without_rules_excludes_nobody():
    assert list(broken_rules(Study(quality={}), Conduct(checks=3, times=[1] * 9))) == []


@pytest.fixture
def study():
    """An open study with somebody who always says A, and somebody who does not."""
    made = open_study(comparisons=10, quality={"same_answer_share": 1.0})
    judge(made, annotator=AnnotatorFactory(study=made, pseudonym="constant"), choice="A")
    judge(made, annotator=AnnotatorFactory(study=made, pseudonym="varied"), choice="A")
    first = Judgment.objects.filter(assignment__annotator__pseudonym="varied").first()
    Judgment.objects.filter(pk=first.pk).update(choice="B")
    return made


def test_who_breaks_a_rule_is_excluded_with_the_figures_and_logged(study):
    (exclusion,) = apply_rules(study=study, actor="ada")

    assert (exclusion.annotator.pseudonym, exclusion.rule) == ("constant", "straight-lining")
    assert exclusion.reason == "the same answer in 100%; the plan's threshold is 100%"
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.action) == ("ada", "annotator.excluded")
    assert first_broken_event() is None
    assert Judgment.objects.filter(assignment__study=study).count() == 20


def test_applying_again_changes_nothing_and_a_person_overrules_the_rule(study):
    (exclusion,) = apply_rules(study=study, actor="ada")
    again = apply_rules(study=study, actor="ada")
    revoke_exclusion(exclusion=exclusion, actor="ada")

    after = apply_rules(study=study, actor="ada")

    assert (again, after) == ([], [])
    assert study.exclusions.filter(revoked_at=None).count() == 0


def test_a_draft_has_nobody_to_judge():
    with pytest.raises(StudyError, match="not open yet"):
        apply_rules(study=draft_study(), actor="ada")


def test_the_dashboard_says_the_rules_and_applies_them(dashboard, study):
    url = f"/studies/{study.slug}/annotators/"

    before = dashboard.get(url).content.decode()
    dashboard.post(f"/studies/{study.slug}/quality/")
    after = dashboard.get(url).content.decode()

    assert all(rule in before for rule in spoken_rules(study))
    assert "straight-lining: the same answer in 100%" not in before
    assert "straight-lining: the same answer in 100%" in after
    assert study.exclusions.get().created_by.username == "ada"
    assert study.exclusions.get().created_at <= timezone.now()
