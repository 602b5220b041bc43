"""Completions that were written elsewhere, uploaded in the browser."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from generation.models import Completion
from generation.requests import ensure_checkpoint
from studies.domain.lifecycle import start_generation
from studies.models import Arm
from tests.factories import draft_study, ready_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(db):
    """A draft of two arms and two prompts, all of whose completions are to be uploaded."""
    made = draft_study(prompts=2)
    Arm.objects.filter(study=made).update(checkpoint=ensure_checkpoint("given:elsewhere"))
    return made


def sent(dashboard, study, text, *, name="c.csv", arm=""):
    file = SimpleUploadedFile(name, text.encode())
    return dashboard.post(f"/studies/{study.slug}/completions/", {"file": file, "arm": arm}, follow=True)


def test_a_file_of_one_arm_need_not_name_it(dashboard, study):
    page = sent(dashboard, study, "prompt,text\nprompt-0,Aye.\nprompt-1,Nay.\n", arm="guided")

    written = Completion.objects.values_list("arm_key", "text")
    arm = study.arms.get(name="guided")
    assert sorted(written) == [(arm.key, "Aye."), (arm.key, "Nay.")]
    assert "2 completions taken." in page.content.decode()
    assert [(one.arm.name, one.there, one.missing) for one in page.context["filled"]] == [
        ("standard", 0, ["prompt-0", "prompt-1"]),
        ("guided", 2, []),
    ]


def test_every_wrong_line_is_told_and_nothing_is_taken(dashboard, study):
    rows = [
        {"prompt": "prompt-0", "text": "Fine."},
        {"prompt": "prompt-7", "text": "Which?"},
        {"prompt": "prompt-1"},
        {"prompt": "prompt-0", "text": "Again."},
        {"prompt": "prompt-1", "arm": "standard", "text": "Foreign."},
        *({"prompt": f"p{number}", "text": "Unknown."} for number in range(6)),
    ]

    page = sent(dashboard, study, "\n".join(map(json.dumps, rows)), name="c.jsonl", arm="guided")

    told = page.context["wrong"]
    assert (page.status_code, Completion.objects.count()) == (422, 0)
    assert [line for line, _ in told] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [problem for _, problem in told[:4]] == [
        "the study has no prompt “prompt-7”, arm “guided”, replicate 0",
        "text is missing",
        "prompt “prompt-0”, arm “guided”, replicate 0 is on line 1 already",
        "is of the arm “standard”, but the file was sent as that of “guided”",
    ]
    assert "Line 11: the study has no prompt “p5”" in page.content.decode()


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("prompt,text\n", "c.csv", "the file holds no completion"),
        ("prompt,words\n", "c.csv", "unknown column"),
        ("prompt,text\n", "c.txt", "neither in .jsonl nor in .csv"),
    ],
)
def test_what_is_no_such_file_is_told_beside_the_field(dashboard, study, text, name, told):
    page = sent(dashboard, study, text, name=name)

    assert page.status_code == 422
    assert told in " ".join(page.context["form"].errors["file"])


def test_what_is_missing_is_a_file_to_fill_in_and_upload(dashboard, study):
    url = f"/studies/{study.slug}/completions/missing.csv"
    sent(dashboard, study, "prompt,text\nprompt-0,Aye.\n", arm="guided")

    missing = dashboard.get(url).content.decode()
    filled = "".join(f"{line}Words.\r\n" if line[-1] == "," else f"{line}\r\n" for line in missing.split())
    sent(dashboard, study, filled)

    assert missing.split() == [
        "prompt,arm,replicate,text",
        "prompt-0,standard,0,",
        "prompt-1,standard,0,",
        "prompt-1,guided,0,",
    ]
    assert Completion.objects.filter(batch_key=study.key).count() == 4
    assert dashboard.get(url).content == b"prompt,arm,replicate,text\r\n"


def test_what_workers_are_still_writing_is_not_called_there(dashboard):
    study = draft_study(prompts=2)
    start_generation(study=study, actor="ada")
    url = f"/studies/{study.slug}/completions/"

    writing = dashboard.get(url)
    first = Completion.objects.order_by("pk").first()
    Completion.objects.filter(pk=first.pk).update(
        status="done", finish_reason="stop", finished_at=timezone.now()
    )
    one_written = dashboard.get(url)

    assert [one.there for one in writing.context["filled"]] == [0, 0]
    assert "4 completions are missing" in writing.content.decode()
    assert sorted(one.there for one in one_written.context["filled"]) == [0, 1]


def test_the_studys_page_leads_to_the_upload_until_all_is_there(dashboard, study):
    address = f"/studies/{study.slug}/"

    before = dashboard.get(address).content.decode()
    for arm in ("standard", "guided"):
        sent(dashboard, study, "prompt,text\nprompt-0,Aye.\nprompt-1,Nay.\n", arm=arm)
    after = dashboard.get(address).content.decode()

    assert ("4 of them are to be uploaded." in before, f'href="{address}completions/"' in before) == (
        True,
        True,
    )
    assert "All completions are there: starting pairs them at once." in after


def test_a_study_that_has_them_all_takes_no_more(dashboard):
    page = sent(dashboard, ready_study(prompts=1), "prompt,text\nprompt-0,Aye.\n", arm="guided")

    assert page.status_code == 403
    assert "until all of them are there" in page.content.decode()
