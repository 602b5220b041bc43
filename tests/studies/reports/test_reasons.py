"""The reasons that annotators gave, as a file."""

import csv

import pytest
from django.core.management import CommandError, call_command

from studies.domain import lifecycle
from studies.models import Judgment
from tests.factories import AnnotatorFactory, judge, open_study

pytestmark = pytest.mark.django_db


def test_the_file_has_a_row_for_each_reason_and_no_formula(tmp_path):
    study = open_study(comparisons=3)
    rows = judge(study, annotator=AnnotatorFactory(study=study, pseudonym="ann"), choice="tie")
    Judgment.objects.filter(pk=rows[0].pk).update(ticked=["Shorter", "Clearer"])
    Judgment.objects.filter(pk=rows[1].pk).update(reason="=1+1")
    lifecycle.close_study(study=study, actor="tests")

    call_command("study", "reasons", study.slug, "--out", str(tmp_path / "r.csv"))

    read = list(csv.DictReader((tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()))
    told = sorted((row["annotator"], row["outcome"], row["ticked"], row["reason"]) for row in read)
    assert {row["study"] for row in read} == {study.slug}
    assert told == [("ann", "tie", "", "'=1+1"), ("ann", "tie", "Shorter; Clearer", "")]


def test_reasons_of_an_open_study_stay_closed(tmp_path):
    study = open_study(comparisons=1)

    with pytest.raises(CommandError):
        call_command("study", "reasons", study.slug, "--out", str(tmp_path / "r.csv"))
