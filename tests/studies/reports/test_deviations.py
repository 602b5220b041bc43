"""What differs from the frozen plan is listed without being asked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from studies.models import Judgment, Study
from studies.models.triggers import install, remove
from studies.reports.summary import summarize
from tests.studies.reports.kit import exclude, judged_study, planned_study

pytestmark = pytest.mark.django_db


def listed(study):
    return summarize(study).integrity.deviations


def test_a_study_that_went_as_planned_has_none():
    assert listed(judged_study(comparisons=4)) == ()


def test_rules_that_the_plan_does_not_have_are_named_and_those_that_it_has_are_not():
    planned = judged_study(comparisons=4, quality={"median_active_ms": 1500})
    unplanned = judged_study(comparisons=4)
    for study in (planned, unplanned):
        exclude(study)

    assert not [line for line in listed(planned) if "plan does not have" in line]
    assert "The exclusion rule too-fast was applied (1), which the plan does not have." in listed(unplanned)
    assert [line for line in listed(planned) if "after the study was closed" in line]


def test_an_exclusion_that_was_revoked_is_told():
    study = judged_study(comparisons=4)
    exclude(study, revoked_at=timezone.now())

    assert "1 exclusion was revoked by hand." in listed(study)


def test_fewer_looks_and_other_annotators_than_planned_are_told():
    found = listed(planned_study(annotators=6))

    assert "2 looks were made, the last one included; the plan allows 3." in found
    assert "6 annotators judged; the plan expected 8." in found


def test_a_column_changed_behind_the_triggers_is_found():
    study = judged_study(comparisons=4)
    remove()
    Study.objects.filter(pk=study.pk).update(quota=7, seed=99)
    install()
    study.refresh_from_db()

    assert "The study differs from its frozen plan in: quota, seed." in listed(study)


def test_judgments_outside_the_dates_are_told():
    study = judged_study(comparisons=4)
    first, last = Judgment.objects.order_by("pk").first(), Judgment.objects.order_by("pk").last()
    Judgment.objects.filter(pk=first.pk).update(submitted_at=study.opened_at - timedelta(hours=1))
    Judgment.objects.filter(pk=last.pk).update(submitted_at=study.closed_at + timedelta(hours=1))

    assert {
        "Judgments were stored after the study was closed.",
        "Judgments were stored before the plan was frozen.",
    } <= set(listed(study))


def test_a_headline_that_is_not_of_the_primary_criterion_is_told():
    study = judged_study(comparisons=4)
    Judgment.objects.filter(criterion__primary=True).delete()

    assert listed(study) == (
        "The primary criterion follows has no judgments, so the headline is of another one.",
    )
