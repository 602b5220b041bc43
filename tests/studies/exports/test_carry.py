"""A whole study from one installation into another: the same bytes again, or nothing at all."""

import json
import re
import shutil
import zipfile
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from generation.models import Checkpoint, Completion
from studies import models
from studies.domain.early_unblinding import unblind_early
from studies.domain.exclusion import exclude_annotator
from studies.domain.extending import extend_study
from studies.domain.invariants import violations
from studies.domain.lifecycle import archive_study, close_study, settle
from studies.domain.reporting import file_of
from studies.enums import Scale
from studies.exports.carry import carry_in
from studies.exports.package import zip_bytes
from studies.files.adding import add_given
from studies.files.errors import StudyFileError
from studies.models import AuditEvent, Judgment, Skip, Study, triggers
from studies.reports.deviations import decided
from studies.reports.preregistration import preregistration
from tests.factories import AnnotatorFactory, closed_study, draft_study, judge, open_study, reported
from tests.studies.reports.kit import planned_study

pytestmark = pytest.mark.django_db

PARTS = (
    models.ReportFile, models.Report, models.Origin, models.Exclusion, models.Skip, models.Judgment,
    models.Assignment, models.Comparison, models.Annotator, models.Refusal, models.AuditEvent,
    models.AuditHead, models.Membership, models.Criterion, models.Arm, models.Prompt, models.Study,
    Completion, Checkpoint,
)  # fmt: skip


def empty():
    """Leave an installation as it is before its first study."""
    triggers.remove()
    for model in PARTS:
        model.objects.all()._raw_delete("default")
    triggers.install()


def rich():
    """A closed study with something in every table, personal data, and texts that are hard to carry."""
    study = planned_study()
    exclude_annotator(annotator=study.annotators.first(), rule="too-fast", reason="Below 2 s.", actor="ada")
    one = Judgment.objects.filter(assignment__study=study).last()
    study.exclusions.create(
        judgment=one, rule="technical-problem", reason="Not shown.", revoked_at=timezone.now()
    )
    Judgment.objects.filter(pk=one.pk).update(reason="=1+1\u2028„ß“\r\n🦜", ticked=["Reads better"])
    who = study.annotators.last()
    who.external_id, who.session_id, who.survey = "PROLIFIC-1", "S-1", {"age": 41, "likes": ["a", "b"]}
    who.surveyed_at = timezone.now()
    who.save()
    pair = study.comparisons.first()
    Skip.objects.create(annotator=who, comparison=pair, reason="Both are empty.")
    study.refusals.create(day="2026-02-03")
    reported(study, html="<p>\r\n</p>")
    return study


def exported(study, path, *, personal=True):
    path.write_bytes(b"".join(zip_bytes(study, personal=personal)))
    return path


def unpacked(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("personal", [True, False])
def test_exported_imported_and_exported_again_gives_the_same_bytes(tmp_path, personal):
    study = rich()
    first = exported(study, tmp_path / "first.zip", personal=personal)
    counts = {
        model: model.objects.count() for model in PARTS if model.__name__.startswith(("J", "As", "C", "Sk"))
    }
    empty()

    again = carry_in(first, actor="ada")

    assert {model: model.objects.count() for model in counts} == counts
    second = exported(again, tmp_path / "again.zip", personal=personal)
    assert unpacked(second) == unpacked(first)
    assert second.read_bytes() == first.read_bytes()
    assert next(violations(again), None) is None
    assert (again.status, again.plan_hash) == ("closed", study.plan_hash)


def test_a_second_journey_carries_the_first_ones_log(tmp_path):
    first = exported(archive_study(study=closed_study(), actor="ada"), tmp_path / "first.zip")
    for _ in range(2):
        empty()
        study = carry_in(first, actor="bea")
        first = exported(study, tmp_path / f"{study.pk}-next.zip")

    assert study.status == "archived"
    assert [event.action for event in AuditEvent.objects.all()] == ["study.carried_in"]
    with zipfile.ZipFile(first) as archive:
        log = [
            json.loads(line) for line in archive.read(f"{study.slug}-export/tables/audit.jsonl").splitlines()
        ]
    assert [entry["action"] for entry in log] == [
        "study.ready", "study.opened", "study.closed", "study.archived",
    ]  # fmt: skip
    assert {entry["actor"] for entry in log} == {"evenhand", "tests", "ada"}


def test_stored_reports_come_along_as_they_were(tmp_path):
    study = rich()
    before = {
        r.number: (r.made_at, r.judgments_hash, file_of(r, "html"))
        for r in study.reports.filter(state="done")
    }
    path = exported(study, tmp_path / "all.zip")
    empty()

    study = carry_in(path, actor="ada")

    after = {r.number: (r.made_at, r.judgments_hash, file_of(r, "html")) for r in study.reports.all()}
    assert after == before
    assert b"<p>\r\n</p>" in [body for *_, body in after.values()]


def test_an_extension_and_an_early_unblinding_come_along(tmp_path):
    study = open_study(comparisons=2, overlap=2)
    study = extend_study(study=study, overlap=4, reason="Too few.", actor="ada")
    study = unblind_early(study=study, reason="An alarm.", confirmed=study.slug, actor="ada")
    judge(study, annotator=AnnotatorFactory(study=study))
    study = close_study(study=study, actor="ada")
    first = exported(study, tmp_path / "first.zip")
    empty()

    again = carry_in(first, actor="bea")

    assert (again.extension, again.unblinded_at) == (2, study.unblinded_at)
    assert unpacked(exported(again, tmp_path / "again.zip")) == unpacked(first)


def test_added_prompts_and_what_the_report_says_of_them_come_along(tmp_path):
    study = add_given(
        open_study(comparisons=2, overlap=2),
        [{"user": "What is a tide?"}, {"user": "Why is it salty?"}],
        reason="Too few.",
        actor="ada",
    )
    waiting = Completion.objects.filter(batch_key=study.key, status="pending", request__noise__prompt="p1")
    waiting.update(status="done", text="The sea.", finish_reason="stop", finished_at=timezone.now())
    Completion.objects.filter(batch_key=study.key, status="pending").update(status="failed", error="Long.")
    one = Completion.objects.filter(batch_key=study.key, text="The sea.").last()
    Completion.objects.filter(pk=one.pk).update(text="The moon.")
    judge(settle(study), annotator=AnnotatorFactory(study=study))
    study = close_study(study=Study.objects.get(pk=study.pk), actor="ada")
    listed = decided(study)
    first = exported(study, tmp_path / "first.zip")
    empty()

    again = carry_in(first, actor="bea")

    assert [(one.name, one.addition) for one in again.prompts.filter(addition=1)] == [("p1", 1), ("p2", 1)]
    assert (again.additions, again.plan_hash) == (1, study.plan_hash)
    assert again.comparisons.filter(prompt__addition=1, kind="real").count() == 1
    assert decided(again) == listed
    assert "2 prompts were added" in listed[0]
    assert f"* {listed[0]}" in preregistration(again)
    assert unpacked(exported(again, tmp_path / "again.zip")) == unpacked(first)


def test_what_was_unblinded_early_is_carried_only_once_it_is_closed(tmp_path):
    study = open_study(comparisons=1)
    study = unblind_early(study=study, reason="An alarm.", confirmed=study.slug, actor="ada")
    path = exported(study, tmp_path / "open.zip")
    empty()

    with pytest.raises(StudyFileError, match=r"^study\.json, status: the study is neither closed nor"):
        carry_in(path, actor="bea")


def tampered(path, target, change, *, hashes=True):
    """Copy an export with ``change`` (path: new bytes from old) made; with hashes that fit, if asked."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        contents = {name.partition("/")[2]: old.read(name) for name in old.namelist()}
        for name, edit in change.items():
            before, contents[name] = contents[name], edit(contents[name])
            assert contents[name] != before
        manifest = json.loads(contents["manifest.json"])
        if hashes:
            for file in manifest["files"]:
                file["sha256"] = sha256(contents[file["path"]]).hexdigest()
            contents["manifest.json"] = json.dumps(manifest).encode()
        for name, data in contents.items():
            new.writestr(f"x/{name}", data)
    return target


def line(number, **cells):
    """Return an edit of one row of a table."""

    def edit(data):
        lines = data.decode().splitlines(keepends=True)
        row = json.loads(lines[number - 1]) | cells
        lines[number - 1] = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
        return "".join(lines).encode()

    return edit


@pytest.fixture(scope="module")
def whole(tmp_path_factory, django_db_setup, django_db_blocker):
    """One export for all refusals; its study is gone again."""
    path = tmp_path_factory.mktemp("whole") / "all.zip"
    with django_db_blocker.unblock(), transaction.atomic():
        criteria = (("overall", Scale.FIVE_POINT),)
        study = closed_study(slug="carried", comparisons=3, annotators=2, criteria=criteria)
        Judgment.objects.filter(assignment__study=study).update(strength=2)
        exported(study, path)
        transaction.set_rollback(True)
    return path


def test_a_changed_file_is_refused_by_its_hash(whole, tmp_path):
    path = tampered(whole, tmp_path / "t.zip", {"tables/refusals.jsonl": lambda _: b" "}, hashes=False)

    with pytest.raises(StudyFileError, match=r"^tables/refusals\.jsonl: its SHA-256 is not the manifest’s"):
        carry_in(path, actor="ada")


@pytest.mark.parametrize(
    ("table", "edit", "told"),
    [
        ("judgments", line(3, choice="left"), r": the database refuses rows 1 to 6: .*choice_is_known"),
        ("judgments", line(3, annotator="nobody"), r", line 3, annotator: there is no 'nobody'"),
        ("judgments", line(3, comparison=99), r", line 3, comparison: there is no comparison 99"),
        ("judgments", line(2, active_ms="soon"), r", line 2, active_ms: 'soon' will not do: wanted is whole"),
        ("judgments", line(2, submitted_at="noon"), r", line 2, submitted_at: 'noon' will not do"),
        ("judgments", line(4, outcome="tie"), r", line 4, outcome: this does not fit the study’s other"),
        ("judgments", lambda data: data + b"{\n", r", line 7: this line is not JSON"),
        ("audit", line(2, actor="eve"), r", line 2, hash: the entry does not say what its hash"),
        ("refusals", lambda _: b'{"day":"soon"}\n', r", line 1, day: 'soon' is no day"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_named_and_nothing_is_kept(whole, tmp_path, table, edit, told):
    path = f"tables/{table}.jsonl"
    changed = tampered(whole, tmp_path / "t.zip", {path: edit})

    with pytest.raises(StudyFileError, match=f"^{re.escape(path)}{told}"):
        carry_in(changed, actor="ada")

    assert (Study.objects.count(), Completion.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("path", "edit", "told"),
    [
        ("tables/completions.jsonl", line(1, text="Better."), "plan.json: it is not the plan of study.yaml"),
        ("plan.json", lambda data: data + b" ", "plan.json: its SHA-256 is not the plan_hash of study.json"),
        ("study.json", lambda data: data.replace(b'"closed"', b'"open"'), "study.json, status: the study is"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(whole, tmp_path, path, edit, told):
    changed = tampered(whole, tmp_path / "t.zip", {path: edit})

    with pytest.raises(StudyFileError, match=f"^{re.escape(told)}"):
        carry_in(changed, actor="ada")

    assert Study.objects.count() == 0


def test_a_name_that_is_taken_is_refused(whole):
    draft_study(slug="carried")

    with pytest.raises(CommandError, match="There is a study “carried” here already"):
        call_command("study", "import-all", str(whole))


def test_an_export_from_before_closing_is_refused(tmp_path):
    path = exported(draft_study(), tmp_path / "draft.zip")
    empty()

    with pytest.raises(StudyFileError, match=r"before the study was closed.*import its study\.yaml"):
        carry_in(path, actor="ada")


@pytest.mark.parametrize("content", [b"no zip at all", None])
def test_another_file_is_no_export(tmp_path, content):
    path = tmp_path / "x.zip"
    if content is None:
        shutil.make_archive(str(path.with_suffix("")), "zip", tmp_path)
    else:
        path.write_bytes(content)

    with pytest.raises(StudyFileError, match=r"this is no ZIP|it has no manifest\.json"):
        carry_in(path, actor="ada")


def test_a_file_that_the_manifest_does_not_know_is_refused(whole, tmp_path):
    path = tmp_path / "more.zip"
    path.write_bytes(whole.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("carried-export/extra.txt", "More.")

    with pytest.raises(StudyFileError, match=r"extra\.txt: the manifest and the ZIP do not list the same"):
        carry_in(path, actor="ada")


def test_the_command_says_what_came_in(whole, capsys):
    call_command("study", "import-all", str(whole))

    assert capsys.readouterr().out == "imported: carried, closed, 6 judgments\n"
