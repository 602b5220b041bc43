"""Looks before the end: as planned, logged, blind, and printed in the report."""

import json

import pytest
from django.core.management import CommandError, call_command

from studies.domain import lifecycle
from studies.domain.errors import StudyError
from studies.domain.reporting import file_of
from studies.models import AuditEvent
from studies.reports.looks import looks_taken, take_look
from studies.reports.making import differing
from studies.reports.render import render
from tests.factories import AnnotatorFactory, judge, open_study
from tests.studies.reports.kit import PLAN, judged_study, planned_study

pytestmark = pytest.mark.django_db
TWO_LOOKS = {"interim": {"method": "group_sequential", "looks": 2}}


def collecting(**fields):
    study = open_study(**fields)
    for _ in range(3):
        judge(study, annotator=AnnotatorFactory(study=study), choice="A", number=3)
    return study


def test_a_look_says_whether_to_stop_and_nothing_of_the_figures(capsys):
    study = collecting(analysis=TWO_LOOKS)

    call_command("study", "look", study.slug)

    assert capsys.readouterr().out == f"{study.slug}: look 1 at 9 judgments: go on\n"
    event = AuditEvent.objects.get(action="look.taken")
    assert set(event.after) == {"look", "judgments", "data_sha256", "stop"}


def test_a_plan_without_looks_allows_none():
    study = collecting()

    with pytest.raises(StudyError, match="allows no look before it is closed"):
        take_look(study=study, actor="ada")
    assert looks_taken(study) == ()


def test_no_more_looks_than_planned():
    study = collecting(analysis=TWO_LOOKS)
    take_look(study=study, actor="ada")

    with pytest.raises(CommandError, match="allows 2 looks; 1 were taken"):
        call_command("study", "look", study.slug)
    assert len(looks_taken(study)) == 1


def test_an_anytime_valid_plan_allows_any_number():
    study = collecting(analysis={"interim": {"method": "anytime_valid"}})

    found = [take_look(study=study, actor="ada").number for _ in range(4)]

    assert found == [1, 2, 3, 4]


def test_nothing_to_look_at_is_said():
    study = open_study(analysis=TWO_LOOKS)

    with pytest.raises(StudyError, match="no judgments yet"):
        take_look(study=study, actor="ada")


def test_a_closed_study_has_its_report():
    with pytest.raises(StudyError, match="looks are taken while it is open or paused"):
        take_look(study=judged_study(analysis=TWO_LOOKS, comparisons=2), actor="ada")


def test_the_report_prints_every_look_and_decides_by_all_of_them():
    study = planned_study()

    data = json.loads(render(study, "json"))

    assert [look["n"] for look in data["interim"]["looks"]] == [20, 40]
    assert [(look["number"], look["judgments"]) for look in data["integrity"]["looks"]] == [(1, 40)]
    assert data["p_corrected"] == data["p_sequential"] == data["interim"]["p_value"]
    assert data["multiplicity"] == PLAN["multiplicity"]


def test_each_look_is_kept_as_an_interim_report_that_comes_out_the_same(dashboard):
    study = collecting(analysis={"interim": {"method": "anytime_valid"}})
    take_look(study=study, actor="ada")
    judge(study, annotator=AnnotatorFactory(study=study), choice="B", number=2)
    second = take_look(study=study, actor="ada")
    early = dashboard.get(f"/studies/{study.slug}/reports/1/report.json")

    lifecycle.close_study(study=study, actor="ada")
    kept = list(study.reports.filter(kind="interim"))
    numbers = [json.loads(file_of(report, "json")) for report in kept]

    assert [(report.number, report.state, report.judgments) for report in kept] == [
        (1, "done", 9),
        (2, "done", 11),
    ]
    assert [found["look"] for found in numbers] == [1, 2]
    assert numbers[1]["data_sha256"] == kept[1].judgments_hash == second.data_sha256
    assert [differing(report) for report in kept] == [[], []]
    assert early.status_code == 403  # while the study collects, everybody stays blinded
    assert dashboard.get(f"/studies/{study.slug}/reports/1/report.json").json() == numbers[0]
    assert study.reports.get(kind="final").number == 3
