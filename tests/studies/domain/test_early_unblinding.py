"""Unblinding before the end: with a reason, confirmed, for good, and told in the report."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from studies.domain.early_unblinding import unblind_early
from studies.domain.errors import StudyError
from studies.domain.lifecycle import close_study
from studies.models import Study
from studies.reports.errors import ReportError
from studies.reports.summary import ensure_reportable, summarize
from tests import factories

pytestmark = pytest.mark.django_db


def unblinded(study, reason="A fault is feared.", confirmed=None):
    confirmed = study.slug if confirmed is None else confirmed
    return unblind_early(study=study, reason=reason, confirmed=confirmed, actor="ada")


def test_it_is_logged_with_its_reason_and_the_report_states_it():
    study = factories.open_study(comparisons=4)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study), number=3)
    unblinded(study)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))

    listed = summarize(close_study(study=study, actor="ada")).integrity.deviations

    event = study.events.get(action="study.unblinded_early")
    assert (event.actor, event.after) == ("ada", {"reason": "A fault is feared.", "comparisons_answered": 3})
    assert listed[0] == (
        f"The study was unblinded early on {timezone.now():%Y-%m-%d}, after 3 answered comparisons. "
        "Reason given: A fault is feared."
    )


@pytest.mark.parametrize(
    ("reason", "confirmed", "words"),
    [
        ("  ", None, "needs a reason"),
        ("A fault.", "another", "Type “study-"),
        ("A fault.", "", "Type “study-"),
    ],
)
def test_without_a_reason_or_the_name_it_stays_blinded(reason, confirmed, words):
    study = factories.open_study(comparisons=1)

    with pytest.raises(StudyError, match=words):
        unblinded(study, reason, confirmed)
    assert not Study.objects.get(pk=study.pk).unblinded


def test_it_is_done_once_and_only_while_judgments_are_collected():
    study = unblinded(factories.open_study(comparisons=1))

    with pytest.raises(StudyError, match="unblinded already"):
        unblinded(study)
    with pytest.raises(StudyError, match="has to be open or paused"):
        unblinded(factories.ready_study())


def test_the_report_still_waits_for_the_end():
    study = unblinded(factories.open_study(comparisons=1))

    with pytest.raises(ReportError, match="when it is closed"):
        ensure_reportable(study)


def test_the_command_needs_the_name_once_more(capsys, tmp_path):
    study = factories.open_study(comparisons=1)

    with pytest.raises(CommandError, match="to confirm"):
        call_command("study", "unblind", study.slug, "--reason", "A fault.")
    call_command("study", "unblind", study.slug, "--reason", "A fault.", "--confirm", study.slug)
    call_command("study", "judgments", study.slug, "--out", str(tmp_path / "judgments.csv"))

    assert "unblinded early; the log has it" in capsys.readouterr().out
    assert (tmp_path / "judgments.csv").read_text().startswith("study,comparison")
