"""A draft is edited a part at a time, through the checks of the study file."""

import csv
import io
import json

import pytest
import yaml

from studies.files.editing import SECTIONS
from studies.files.writer import export_study
from studies.models import AuditEvent, Study
from tests.factories import AnnotatorFactory, draft_study, judge, open_study, ready_study

pytestmark = pytest.mark.django_db


def word(response):
    return response.json()["type"].partition("#")[2]


def test_a_study_begins_with_a_title_and_some_prompts(program):
    given = {
        "study": "sea-talk",
        "title": "Sea talk",
        "prompts": ["What is a knot?\nBriefly.", "And a fathom?"],
    }

    made = program("POST", "drafts", given)
    again = program("POST", "drafts", given)

    assert (made.status_code, made["Location"]) == (201, "/api/v1/studies/sea-talk")
    assert (made.json()["status"], made.json()["role"]) == ("draft", "owner")
    users = [one["user"] for one in program("GET", "studies/sea-talk/prompts").json()["items"]]
    assert users == given["prompts"]
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "study")


def test_the_parts_together_are_the_study_file(program):
    study = draft_study()

    parts = program("GET", f"studies/{study.slug}/parts").json()
    whole = {}
    for part in parts:
        whole |= program("GET", f"studies/{study.slug}/parts/{part['part']}").json()["data"]

    assert [part["part"] for part in parts] == list(SECTIONS)
    file = yaml.safe_load(export_study(study))
    assert whole == {key: value for key, value in file.items() if key not in ("evenhand", "study")}


def test_a_part_is_stored_as_it_is_sent_and_the_rest_stays(program):
    study = draft_study()
    path = f"studies/{study.slug}/parts/collection"
    before = program("GET", path)
    others = program("GET", f"studies/{study.slug}/parts/criteria").json()

    stored = program("PUT", path, {"data": before.json()["data"] | {"overlap": 3, "quota": 7}})

    assert (stored.status_code, stored.json()["data"]["overlap"]) == (200, 3)
    assert stored["ETag"] != before["ETag"]
    study.refresh_from_db()
    assert (study.overlap, study.quota) == (3, 7)
    assert program("GET", f"studies/{study.slug}/parts/criteria").json() == others


def test_a_part_that_will_not_do_is_refused_with_its_fields(program):
    study = draft_study()
    path = f"studies/{study.slug}/parts"

    wrong = program("PUT", f"{path}/collection", {"data": {"overlap": 0, "quota": "many"}})
    foreign = program("PUT", f"{path}/collection", {"data": {"title": "x"}})
    nothing = program("GET", f"{path}/colection")

    assert (wrong.status_code, word(wrong)) == (422, "invalid")
    assert {one["field"] for one in wrong.json()["errors"]} == {"overlap", "quota"}
    assert foreign.json()["errors"][0]["field"] == "title"
    assert (nothing.status_code, "Parts: basics" in nothing.json()["detail"]) == (404, True)


def test_a_part_that_somebody_else_stored_meanwhile_is_left_alone(program):
    study = draft_study()
    path = f"studies/{study.slug}/parts/collection"
    seen = program("GET", path)
    data = seen.json()["data"]

    first = program("PUT", path, {"data": data | {"quota": 5}}, if_match=seen["ETag"])
    late = program("PUT", path, {"data": data | {"quota": 6}}, if_match=seen["ETag"])

    assert (first.status_code, late.status_code, word(late)) == (200, 412, "changed")
    assert Study.objects.get(pk=study.pk).quota == 5


def test_a_study_has_another_etag_once_its_draft_was_edited_and_the_same_after_a_download(program):
    study = draft_study()
    path = f"studies/{study.slug}"
    seen = program("GET", path)["ETag"]
    b"".join(program("GET", f"{path}/export.zip").streaming_content)
    taken_out = program("GET", path)["ETag"]
    data = program("GET", f"{path}/parts/collection").json()["data"]

    program("PUT", f"{path}/parts/collection", {"data": data | {"quota": 5}})
    started = program("POST", f"{path}/moves/generate", if_match=seen)

    assert taken_out == seen
    assert (started.status_code, word(started)) == (412, "changed")
    assert Study.objects.get(pk=study.pk).status == "draft"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "parts/collection", {"data": {}}),
        ("POST", "prompts", {"prompts": [{"user": "Another"}]}),
        ("PUT", "prompts/prompt-0", {"user": "Another"}),
        ("DELETE", "prompts/prompt-0", None),
        ("POST", "planner", {}),
    ],
)
def test_what_is_no_draft_any_more_is_not_edited(program, method, path, body):
    opened, ready = open_study(comparisons=1), ready_study(prompts=1)
    before = export_study(ready), export_study(opened)

    answers = [program(method, f"studies/{study.slug}/{path}", body) for study in (ready, opened)]

    assert [(answer.status_code, word(answer)) for answer in answers] == [
        (409, "conflict"), (409, "plan-frozen"),
    ]  # fmt: skip
    assert (export_study(ready), export_study(opened)) == before


def test_prompts_are_added_as_json_as_a_file_and_from_a_preset(program):
    study = draft_study(prompts=1)
    path = f"studies/{study.slug}/prompts"

    one = program("POST", path, {"prompts": [{"user": "Eins?"}, {"id": "p1", "user": "Once"}]})
    rows = program("POST", path, "id,user\nb,Zwei?\n,Drei?\n", kind="text/csv")
    lines = program("POST", f"{path}?replace=true", '{"user": "Vier?"}', kind="application/jsonl")
    preset = program("POST", path, {"preset": "several-turns"})

    assert (one.status_code, one.json()) == (201, {"added": 2, "prompts": 3})
    assert rows.json() == {"added": 2, "prompts": 5}
    assert lines.json() == {"added": 1, "prompts": 1}
    assert preset.json()["prompts"] == preset.json()["added"] + 1 > 2


def test_prompts_that_will_not_do_are_refused_whole(program):
    study = draft_study(prompts=1)
    path = f"studies/{study.slug}/prompts"

    answers = [
        program("POST", path, {"prompts": [{"user": "Well"}, {"user": "x", "colour": "red"}]}),
        program("POST", path, {"prompts": [{"id": "prompt-0", "user": "Twice"}]}),
        program("POST", path, {}),
        program("POST", path, {"preset": "nothing"}),
        program("POST", path, "id,color\n", kind="text/csv"),
        program("POST", path, "x", kind="text/html"),
        program("POST", path, "{"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 422, 415, 422]
    assert "colour" in answers[0].json()["errors"][0]["field"]
    assert program("GET", path).json()["count"] == 1


def test_a_prompt_is_changed_in_its_place_and_removed(program):
    study = draft_study(prompts=3)
    path = f"studies/{study.slug}/prompts"
    seen = program("GET", f"{path}/prompt-1")

    changed = program("PUT", f"{path}/prompt-1", {"user": "Otherwise?"}, if_match=seen["ETag"])
    late = program("DELETE", f"{path}/prompt-1", if_match=seen["ETag"])
    gone = program("DELETE", f"{path}/prompt-0")

    assert (changed.status_code, changed.json()["user"]) == (200, "Otherwise?")
    assert (late.status_code, gone.status_code) == (412, 204)
    assert [one["id"] for one in program("GET", path).json()["items"]] == ["prompt-1", "prompt-2"]
    assert program("GET", f"{path}/prompt-0").status_code == 404


def test_the_planner_reckons_as_its_page_and_fills_in_on_request(program, dashboard):
    study = draft_study(prompts=6)
    wish = {"annotators": 4, "overlap": 2, "seconds": 30, "hourly": 9, "fair": 12}

    told = program("POST", f"studies/{study.slug}/planner", wish).json()
    page = dashboard.get(f"/studies/{study.slug}/planner/", told["given"]).context["planned"]
    untouched = Study.objects.get(pk=study.pk)
    program("POST", f"studies/{study.slug}/planner", wish | {"overlap": 4, "fill_in": True})
    filled = Study.objects.get(pk=study.pk)

    assert (told["judgments"], told["reward"], told["underpaid"]) == (12, pytest.approx(0.9), True)
    assert (told["now"]["power"], told["enough"]) == (page.now.power, page.enough)
    assert (untouched.overlap, untouched.quota) == (study.overlap, study.quota)
    assert (filled.overlap, filled.quota, filled.analysis["expected"]["annotators"]) == (4, 6, 4)


@pytest.mark.parametrize("given", [{"overlap": 9}, {"win_rate": 0.5}, {"annotators": 1}, {"power": 2}])
def test_what_the_planner_cannot_reckon_with_is_said(program, given):
    study = draft_study(prompts=2)

    response = program("POST", f"studies/{study.slug}/planner", {"annotators": 4, "overlap": 2} | given)

    assert (response.status_code, word(response)) == (422, "invalid")


def test_the_progress_tells_fill_activity_and_problems(program):
    study = open_study(comparisons=3, overlap=2)
    who = AnnotatorFactory(study=study)
    judge(study, annotator=who)
    who.skips.create(comparison=study.comparisons.first(), reason="Both are empty.")

    told = program("GET", f"studies/{study.slug}/progress").json()

    answered = study.assignments.filter(submitted_at__isnull=False).count()
    assert sum(one["judgments"] * one["comparisons"] for one in told["fill"]) == answered > 0
    assert sum(one["comparisons"] for one in told["fill"]) == 3
    assert sum(one["answers"] for one in told["activity"]) == answered
    assert [(one["reason"], one["annotator"]) for one in told["problems"]] == [
        ("Both are empty.", who.pseudonym)
    ]
    assert (told["size"]["comparisons"], told["size"]["judgments"]) == (3, 6)


def test_arms_tell_their_cost_and_how_often_right_only_once_unblinded(program):
    study = open_study(comparisons=2)

    arms = program("GET", f"studies/{study.slug}/arms").json()

    assert [(arm["arm"], arm["baseline"], arm["answers"]) for arm in arms] == [
        ("standard", True, None), ("guided", False, None),
    ]  # fmt: skip
    assert [arm["cost"]["completions"] for arm in arms] == [2, 2]


def test_log_and_annotators_are_files_too(program):
    study = open_study(comparisons=1)
    names = [AnnotatorFactory(study=study).pseudonym for _ in range(3)]
    path = f"studies/{study.slug}"

    log = [json.loads(line) for line in b"".join(program("GET", f"{path}/events.jsonl")).splitlines()]
    cells = b"".join(program("GET", f"{path}/annotators.csv?sort=-annotator")).decode()
    found = program("GET", f"{path}/annotators?search={names[1]}").json()["items"]
    opened = b"".join(program("GET", f"{path}/events.csv?action=study.opened")).decode().splitlines()

    assert [event["id"] for event in log] == list(
        AuditEvent.objects.filter(study=study).exclude(action="file.downloaded").values_list("pk", flat=True)
    )
    rows = list(csv.DictReader(io.StringIO(cells)))
    assert [row["annotator"] for row in rows] == sorted(names, reverse=True)
    assert [one["pseudonym"] for one in found] == [names[1]]
    assert len(opened) == 2
    assert program("GET", f"{path}/annotators?sort=colour").status_code == 422


def test_the_preregistration_is_the_exports(program):
    study = open_study(comparisons=1)

    response = program("GET", f"studies/{study.slug}/preregistration.md")

    assert (response.status_code, response["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    assert study.plan_hash in response.text
