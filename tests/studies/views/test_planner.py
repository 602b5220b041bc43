"""The planner reckons with the draft's own design."""

import pytest

from studies.analysis.planning import Assumptions, Design, planned_power
from studies.models import Study
from tests.factories import draft_study

pytestmark = pytest.mark.django_db

WISH = {
    "wish": "power",
    "power": "0.8",
    "margin": "0.05",
    "win_rate": "0.6",
    "tie_rate": "0.1",
    "rho_annotators": "0.05",
    "rho_prompts": "0.05",
    "annotators": "4",
    "overlap": "2",
    "seconds": "30",
    "hourly": "9",
    "fair": "12",
}


def test_a_plan_that_cannot_answer_is_told_and_what_it_costs(dashboard):
    study = draft_study(prompts=6)

    response = dashboard.get(f"/studies/{study.slug}/planner/", WISH)

    planned = response.context["planned"]
    expected = planned_power(Assumptions(0.6, 0.1, 0.05, 0.05), Design(4, 6, 2))
    assert (planned.now, planned.enough) == (expected, False)
    # By hand: 6 pairs x 2 judgments of 30 s are 6 minutes; at 9 an hour 0.90, at the fair 12 1.20.
    assert (planned.judgments, planned.each, planned.cost) == (12, 3, pytest.approx(0.9))
    page = response.content.decode()
    assert "cannot answer its own question" in page
    assert "fair pay would be 1.20" in page


def test_the_plan_is_filled_in_on_request(dashboard):
    study = draft_study(prompts=6)

    response = dashboard.post(f"/studies/{study.slug}/planner/", WISH | {"overlap": "4"})

    study = Study.objects.get(pk=study.pk)
    assert response.status_code == 302
    assert (study.overlap, study.quota, study.analysis["expected"]["annotators"]) == (4, 6, 4)


def test_what_cannot_be_reckoned_with_is_said(dashboard):
    study = draft_study(prompts=6)

    response = dashboard.get(f"/studies/{study.slug}/planner/", WISH | {"overlap": "9"})

    assert response.status_code == 422
    assert "Nobody judges a prompt twice" in response.content.decode()
