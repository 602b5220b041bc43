"""Looks, extensions and early unblinding in the browser."""

import pytest
from django.core.management import call_command

from studies.models import Study
from studies.reports.looks import looks_taken
from tests import factories

pytestmark = pytest.mark.django_db
TWO_LOOKS = {"interim": {"method": "group_sequential", "looks": 2}}


def collecting(number=3, **fields):
    study = factories.open_study(slug="steered", **fields)
    for _ in range(3):
        factories.judge(study, annotator=factories.AnnotatorFactory(study=study), number=number)
    return study


def text(response):
    return response.content.decode()


def test_a_look_that_is_due_is_said_taken_and_listed_without_a_figure(dashboard):
    study = collecting(analysis=TWO_LOOKS)

    before = text(dashboard.get("/studies/steered/looks/"))
    after = text(dashboard.post("/studies/steered/looks/", follow=True))

    # By hand: 6 pairs twice are 12 judgments, half of them 6, and 9 are there.
    assert "<strong>Due</strong>" in before
    assert "Look 1 at 9 judgments: go on." in after
    assert "<strong>Due</strong>" not in after
    assert "Take a look" in after
    assert [look.number for look in looks_taken(study)] == [1]


def test_a_look_is_not_due_before_its_share_is_there(dashboard):
    collecting(number=1, analysis=TWO_LOOKS)

    assert "<strong>Due</strong>" not in text(dashboard.get("/studies/steered/looks/"))


def test_a_plan_without_looks_says_so_and_offers_none(dashboard):
    collecting()

    page = text(dashboard.get("/studies/steered/looks/"))
    told = text(dashboard.post("/studies/steered/looks/", follow=True))

    assert "The plan has no look before the study is closed" in page
    assert "Take a look" not in page
    assert "allows no look before it is closed" in told


def test_a_study_is_extended_after_its_page_has_asked_why(dashboard):
    collecting()

    asked = text(dashboard.get("/studies/steered/extend/"))
    refused = dashboard.post("/studies/steered/extend/", {"overlap": 2, "reason": ""})
    dashboard.post("/studies/steered/extend/", {"overlap": 4, "reason": "More precision."})

    assert "It is 2 now." in asked
    assert refused.status_code == 422
    assert text(refused).count("field--bad") == 2
    assert Study.objects.get().judgments_each == 4


def test_a_group_sequential_plan_says_why_it_is_not_extended(dashboard):
    collecting(analysis=TWO_LOOKS)

    assert "cannot be extended" in text(dashboard.get("/studies/steered/extend/"))


def test_the_wrong_name_unblinds_nothing_and_says_so_above_the_form(dashboard):
    study = collecting()

    response = dashboard.post("/studies/steered/unblind/", {"reason": "A fault.", "confirmed": "another"})

    assert response.status_code == 422
    assert "Type “steered” to confirm" in text(response)
    assert dashboard.get("/studies/steered/judgments.csv").status_code == 403
    assert study.events.filter(action="study.unblinded_early").count() == 0


def test_an_unblinded_study_shows_its_arms_and_still_collects(dashboard):
    collecting()

    dashboard.post("/studies/steered/unblind/", {"reason": "A fault.", "confirmed": "steered"})

    study = Study.objects.get()
    pairs = text(dashboard.get("/studies/steered/pairs/"))
    overview = text(dashboard.get("/studies/steered/"))
    assert (study.status, study.unblinded, study.closed) == ("open", True, False)
    assert "<strong>guided</strong> against <strong>standard</strong>" in pairs
    assert "Unblinded before it was closed" in overview
    assert dashboard.get("/studies/steered/judgments.csv").status_code == 200
    assert "No report yet" in text(dashboard.get("/studies/steered/report/"))


def test_prompts_are_added_on_the_page_and_their_writing_is_shown(dashboard):
    study = collecting()
    given = {"prompts": "What is a tide?\nWhy is it salty?", "shape": "lines", "reason": "Too few were hard."}

    asked = text(dashboard.get("/studies/steered/extend/"))
    page = text(dashboard.post("/studies/steered/extend/prompts/", given, follow=True))

    assert "More prompts" in asked
    assert "Completions of added prompts" in page
    assert "0 of 4" in page
    assert study.prompts.filter(addition=1).count() == 2


def test_what_is_wrong_with_an_added_prompt_is_said_beside_the_field(dashboard):
    study = collecting()
    given = {"prompts": "One.\nOne.", "shape": "lines", "reason": "Too few were hard."}

    answer = dashboard.post("/studies/steered/extend/prompts/", given)

    assert answer.status_code == 422
    assert "prompt 2" in text(answer)
    assert not study.prompts.filter(addition=1).exists()


def test_the_command_adds_the_prompts_of_a_file(tmp_path, capsys):
    study = collecting()
    (tmp_path / "more.csv").write_text("id,user\ntide,What is a tide?\n")

    call_command("study", "add-prompts", "steered", str(tmp_path / "more.csv"), "--reason", "More.")

    assert capsys.readouterr().out == "steered: 1 prompts added; workers write their completions first\n"
    assert study.prompts.get(addition=1).name == "tide"
