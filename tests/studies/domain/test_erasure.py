"""Erasing personal data: what goes, what stays, and that time does it by itself."""

import io
import zipfile
import zlib
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from studies import tasks
from studies.domain.erasure import erase_annotator, keep_retention, kept_until
from studies.exports.package import zip_bytes
from studies.models import AuditEvent, Judgment, Skip, Study
from studies.reports.making import report_now
from tests.factories import closed_study, open_study

pytestmark = pytest.mark.django_db

PERSONAL = ("PROLIFIC-77", "SESSION-77", "CODE-1", "forty-one years", "I live in Hamm")


def known(study):
    """Return an annotator of whom everything is known that there can be."""
    who = study.annotators.first()
    who.external_id, who.session_id, who.survey = "PROLIFIC-77", "SESSION-77", {"age": "forty-one years"}
    who.surveyed_at = timezone.now()
    who.save()
    Judgment.objects.filter(assignment__annotator=who).update(reason="I live in Hamm")
    Skip.objects.create(annotator=who, comparison=study.comparisons.first(), reason="I live in Hamm")
    return who


@pytest.fixture
def study():
    survey = [{"name": "age", "question": "How old are you?", "kind": "text"}]
    return closed_study(comparisons=3, survey=survey, retention_days=30)


def exported(study):
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_bytes(study, personal=True)))) as archive:
        return "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


def test_who_somebody_is_goes_and_their_judgments_stay(study):
    who = known(study)
    token, judgments = who.token, list(Judgment.objects.order_by("pk").values("choice", "reason"))

    erase_annotator(annotator=who, actor="ada")

    who.refresh_from_db()
    assert (who.external_id, who.session_id, who.code, who.survey) == ("", "", "", {})
    assert who.token != token
    assert who.erased_at is not None
    assert list(Judgment.objects.order_by("pk").values("choice", "reason")) == judgments


def test_their_own_words_go_when_that_is_asked_for(study):
    who = known(study)

    erase_annotator(annotator=who, actor="ada", reasons=True)

    assert set(Judgment.objects.values_list("reason", flat=True)) == {""}
    assert Skip.objects.get().reason == "(erased)"


def test_exports_have_it_before_and_not_afterwards(study):
    who = known(study)
    before = exported(study)

    erase_annotator(annotator=who, actor="ada", reasons=True)

    # The completion code is in no export at all.
    assert {word for word in PERSONAL if word in before} == set(PERSONAL) - {"CODE-1"}
    assert not [word for word in PERSONAL if word in exported(study)]


def test_the_log_says_what_was_erased_and_not_what_it_was(study):
    who = known(study)

    erase_annotator(annotator=who, actor="ada", reasons=True)

    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.action, event.after["annotator"]) == ("ada", "annotator.erased", who.pseudonym)
    assert not [word for word in PERSONAL if word in f"{event.before}{event.after}"]


def test_a_stored_report_never_had_personal_data_and_stays(study):
    known(study)
    report = report_now(study=study, actor="ada")
    hashes = list(report.files.values_list("name", "sha256"))

    erase_annotator(annotator=study.annotators.first(), actor="ada", reasons=True)

    assert list(report.files.values_list("name", "sha256")) == hashes
    bodies = [zlib_text(file) for file in report.files.all()]
    assert not [word for word in PERSONAL for body in bodies if word in body]


def zlib_text(file):
    body = zlib.decompress(file.packed)
    if file.name == "zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
    return body.decode(errors="replace")


def test_the_command_wants_the_pseudonym_twice(study, capsys):
    who = known(study)

    with pytest.raises(CommandError, match=f"Type {who.pseudonym} to confirm"):
        call_command("study", "erase", study.slug, who.pseudonym, "--confirm", "annotator-9")
    call_command("study", "erase", study.slug, who.pseudonym, "--confirm", who.pseudonym)

    assert "erased of annotator-0001: external id" in capsys.readouterr().out
    assert AuditEvent.objects.filter(action="annotator.erased").count() == 1


def test_time_erases_everybody_once_it_is_over(study):
    known(study)
    until = kept_until(study)

    early = keep_retention(actor="evenhand", now=until - timedelta(seconds=1))
    on_time = keep_retention(actor="evenhand", now=until)
    again = keep_retention(actor="evenhand", now=until + timedelta(days=1))

    assert (early, on_time, again) == ({}, {study.slug: 2}, {})
    assert until == study.closed_at + timedelta(days=30)
    assert set(study.annotators.values_list("external_id", "code")) == {("", "")}
    event = AuditEvent.objects.get(action="annotators.erased")
    assert (event.after["annotators"], event.after["after_days"]) == (2, 30)


def test_a_worker_looks_for_what_is_kept_too_long(study):
    Study.objects.filter(pk=study.pk).update(closed_at=timezone.now() - timedelta(days=31))

    tasks.forget()

    assert study.annotators.filter(erased_at=None).count() == 0


def test_nothing_is_forgotten_of_a_study_that_is_open_or_sets_no_time():
    open_study(comparisons=1, retention_days=1)
    closed_study(comparisons=1)

    assert keep_retention(actor="evenhand", now=timezone.now() + timedelta(days=9_999)) == {}


def test_the_page_erases_only_when_the_pseudonym_is_typed(study, dashboard):
    who = known(study)
    page = f"/studies/{study.slug}/annotators/{who.pk}/erase/"

    asked, refused = dashboard.get(page), dashboard.post(page, {"pseudonym": "annotator-0002"})
    who.refresh_from_db()
    kept = who.external_id
    done = dashboard.post(page, {"pseudonym": who.pseudonym, "reasons": "on"}, follow=True)

    assert (asked.status_code, refused.status_code, kept) == (200, 422, "PROLIFIC-77")
    assert "Type annotator-0001 to confirm" in refused.content.decode()
    assert "What was known of annotator-0001 as a person is erased." in done.content.decode()
    assert AuditEvent.objects.latest("id").actor == "ada"


def test_the_studys_page_says_until_when_they_are_kept(study, dashboard):
    body = dashboard.get(f"/studies/{study.slug}/").content.decode()

    assert "kept for 30 days after closing, until" in body
