"""Codes and links of a recruiting site, and its list against who came."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from studies.domain.errors import StudyError
from studies.domain.reconciliation import Verdict, reconcile
from studies.enums import AnnotatorStatus
from studies.models import Study
from tests.factories import AnnotatorFactory, judge, open_study

pytestmark = pytest.mark.django_db
RECRUITING = {
    "done": "C1DONE",
    "screened_out": "C2OUT",
    "no_consent": "C3NO",
    "return_link": "https://app.example.com/complete?cc={code}",
}
HEAD = "Submission id,Participant id,Status,Completion code\n"


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


@pytest.fixture
def study():
    return open_study(
        comparisons=1,
        recruiting=RECRUITING,
        comprehension=[{"question": "What counts?", "options": ["Length", "Fit"], "answer": "Fit"}],
    )


def arrive(client, study):
    client.get(address(study, "start"), {"PROLIFIC_PID": "p1", "STUDY_ID": "s", "SESSION_ID": "visit-9"})
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))


def test_whoever_comes_from_the_site_is_known_by_its_ids(client, study):
    arrive(client, study)

    annotator = study.annotators.get()
    assert (annotator.external_id, annotator.session_id) == ("p1", "visit-9")


def test_each_ending_has_its_code_and_its_link(client, study):
    client.get(address(study, "consent"))
    declined = client.post(address(study, "consent"), {"decline": "1"}, follow=True).text
    arrive(client, study)
    for attempt in range(2):
        client.post(address(study, "comprehension"), {"question-0": "Length", "attempt": attempt})
    screened = client.get(address(study, "screened")).text
    study.annotators.update(status=AnnotatorStatus.FINISHED, understood_at=study.opened_at)
    thanks = client.get(address(study, "thanks")).text

    pages = {"C3NO": declined, "C2OUT": screened, "C1DONE": thanks}
    assert [f"https://app.example.com/complete?cc={code}" in page for code, page in pages.items()] == [
        True
    ] * 3
    assert [sum(code in page for code in pages) for page in pages.values()] == [1, 1, 1]


def test_no_ending_shows_a_code_of_the_study_before_it_is_earned(client, study):
    arrive(client, study)

    page = client.get(address(study, "thanks"), follow=True).text

    assert [code in page for code in ("C1DONE", "C2OUT", "C3NO")] == [False, False, False]


PEOPLE = {
    "pay": ("FINISHED", "APPROVED", Verdict.PAY),
    "late": ("FINISHED", "TIMED-OUT", Verdict.TIMED_OUT),
    "screened": ("SCREENED", "AWAITING REVIEW", Verdict.SCREENED),
    "left": ("ACTIVE", "RETURNED", Verdict.GONE),
    "cheat": ("ACTIVE", "AWAITING REVIEW", Verdict.WRONG_CODE),
    "going": ("ACTIVE", "ACTIVE", Verdict.UNFINISHED),
    "unlisted": ("ACTIVE", "", Verdict.UNLISTED),
    "absent": ("", "ACTIVE", Verdict.NEVER_CAME),
}


def listed(study) -> bytes:
    lines = []
    for name, (status, said, _) in PEOPLE.items():
        if status:
            AnnotatorFactory(study=study, pseudonym=name, external_id=name, status=AnnotatorStatus[status])
        if said:
            lines.append(f"x,{name},{said},{'C1DONE' if name == 'cheat' else ''}\n")
    return ("\ufeff" + HEAD + "".join(lines)).encode()


def test_everybody_on_either_side_gets_a_verdict(study):
    found = {person.external_id: person.verdict for person in reconcile(study, listed(study))}

    assert found == {name: verdict for name, (_, _, verdict) in PEOPLE.items()}


def test_answers_are_counted(study):
    judge(study, annotator=AnnotatorFactory(study=study, external_id="pay", pseudonym="one"))

    (person,) = reconcile(study, f"{HEAD}x,pay,APPROVED,C1DONE\n".encode())

    assert (person.pseudonym, person.answered) == ("one", 1)


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"\xff\xfe\x00", b""])
def test_a_file_that_is_no_such_list_is_refused(study, data):
    with pytest.raises(StudyError):
        reconcile(study, data)


def test_the_dashboard_compares_an_uploaded_list(dashboard, study):
    data = listed(study)

    page = dashboard.post(f"/studies/{study.slug}/reconcile/", {"file": SimpleUploadedFile("p.csv", data)})
    bad = dashboard.post(
        f"/studies/{study.slug}/reconcile/", {"file": SimpleUploadedFile("p.csv", b"x\n1\n")}
    )

    assert Verdict.TIMED_OUT.value in page.content.decode()
    assert (page.status_code, bad.status_code) == (200, 422)
    assert "no columns “Participant id”" in bad.content.decode()


def test_strangers_cannot_reconcile(client, study):
    response = client.get(f"/studies/{study.slug}/reconcile/")

    assert response.url.startswith("/login/")
