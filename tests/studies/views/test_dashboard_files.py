"""Import, downloads, report."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from studies.enums import StudyStatus
from studies.files.writer import export_study
from studies.models import Study
from tests import factories

pytestmark = pytest.mark.django_db

STUDY_FILE = """\
evenhand: 1
study: tiny-study
title: Which is better?
instructions: Read both.
consent: You may stop.
criteria:
  - {name: overall, question: Which is better?, scale: tie, primary: true}
arms:
  - {name: standard, baseline: true, checkpoint: smollm2-135m-instruct, guidance_scale: 1}
  - {name: guided, checkpoint: smollm2-135m-instruct, guidance_scale: 1.5, negative: default_system}
"""
INLINE = "prompts:\n  - {id: one, user: Tell me a story.}\n"


def send(dashboard, text, **more):
    content = text if isinstance(text, bytes) else text.encode()
    return dashboard.post("/import/", {"file": SimpleUploadedFile("tiny.yaml", content), **more})


def test_a_study_file_becomes_a_draft(dashboard):
    response = send(dashboard, STUDY_FILE + INLINE)

    assert response.url == "/studies/tiny-study/"
    study = Study.objects.get()
    assert (study.status, study.created_by.username, study.prompts.count()) == (StudyStatus.DRAFT, "ada", 1)


def test_prompts_may_be_sent_beside_the_study_file(dashboard):
    prompts = SimpleUploadedFile("prompts.csv", b"id,user\none,Tell me a story.\ntwo,And another.\n")

    response = send(dashboard, STUDY_FILE + "prompts: {file: prompts.csv}\n", prompts=prompts)

    assert response.status_code == 302
    assert Study.objects.get().prompts.count() == 2


def test_a_bad_file_shows_file_line_and_field_beside_the_field(dashboard):
    response = send(dashboard, STUDY_FILE.replace("guidance_scale: 1.5", "guidance_scale: much") + INLINE)

    page = response.content.decode()
    assert response.status_code == 422
    assert "tiny.yaml, line 10, arms[1].guidance_scale:" in page
    assert 'aria-describedby="id_file_helptext id_file_error"' in page
    assert Study.objects.count() == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a: &a [*a, *a]", b"[" * 5000])
def test_what_is_no_study_file_is_refused_in_words(dashboard, content):
    response = send(dashboard, content)

    assert response.status_code == 422
    assert "field__error" in response.content.decode()
    assert Study.objects.count() == 0


def test_a_file_that_is_too_large_is_refused(dashboard):
    response = send(dashboard, b"x" * (5 * 2**20 + 1))

    assert "larger than 5 MB" in response.content.decode()


def test_a_study_file_cannot_name_a_file_of_the_server(dashboard):
    response = send(dashboard, STUDY_FILE + "prompts: {file: ../../../../etc/passwd.csv}\n")

    assert response.status_code == 422
    assert "the file must lie beside the study file" in response.content.decode()


def test_nothing_chosen_is_said_beside_the_field(dashboard):
    assert "Choose a study file first." in dashboard.post("/import/").content.decode()


def test_the_study_file_can_be_downloaded_at_any_time(dashboard):
    study = factories.draft_study()

    response = dashboard.get(f"/studies/{study.slug}/study.yaml")

    study.refresh_from_db()
    assert response.content.decode() == export_study(study)
    assert response["Content-Disposition"] == f'attachment; filename="{study.slug}.yaml"'


@pytest.mark.parametrize("name", ["judgments.csv", "report.html", "report.json"])
def test_nothing_that_names_arms_is_sent_before_closing(dashboard, name):
    study = factories.open_study(arms=("kestrel-arm", "osprey-arm"))

    response = dashboard.get(f"/studies/{study.slug}/{name}")

    assert response.status_code == 403
    assert "closed" in response.content.decode()
    assert "kestrel-arm" not in response.content.decode()


def test_judgments_are_streamed_once_the_study_is_closed(dashboard):
    study = factories.closed_study(comparisons=2, overlap=2, annotators=2)

    response = dashboard.get(f"/studies/{study.slug}/judgments.csv")

    assert response.streaming
    lines = response.getvalue().decode().splitlines()
    assert lines[0].startswith("study,comparison,prompt,")
    assert len(lines) == 5


@pytest.mark.parametrize(("simulated", "marked"), [(True, True), (False, False)])
def test_the_files_of_a_simulated_study_say_so_in_their_names(dashboard, simulated, marked):
    study = factories.closed_study(simulated=simulated)
    factories.reported(study, html="<p>", json="{}")

    for name in ("judgments.csv", "report.html", "report.json"):
        response = dashboard.get(f"/studies/{study.slug}/{name}")
        assert ("SIMULATED" in response["Content-Disposition"]) is marked


def test_before_closing_the_reports_page_says_why_there_is_none(dashboard):
    study = factories.open_study()

    page = dashboard.get(f"/studies/{study.slug}/report/")

    assert page.status_code == 200
    assert "No report yet" in page.content.decode()


def test_an_unknown_format_is_not_found(dashboard):
    study = factories.closed_study()

    assert dashboard.get(f"/studies/{study.slug}/report.docx").status_code == 404
