"""What programs can do with a study, from its draft to its report."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from studies.api.studies import MOVES
from studies.enums import Role, Scope
from studies.models import Membership
from studies.views.moves import MOVES as BUTTONS
from tests.factories import (
    AnnotatorFactory,
    ResearcherFactory,
    closed_study,
    draft_study,
    open_study,
    ready_study,
    reported,
)
from tests.studies.api.conftest import Program

pytestmark = pytest.mark.django_db


def analyst_of(study, *scopes):
    user = ResearcherFactory()
    Membership.objects.create(study=study, user=user, role=Role.ANALYST)
    return Program(user, *scopes)


def test_the_moves_are_the_dashboards_buttons():
    assert {name: (ability, verb) for name, (ability, verb) in MOVES.items()} == {
        name: (button.ability, button.verb) for name, button in BUTTONS.items()
    }


def test_the_status_is_the_commands(program):
    study = open_study(comparisons=3)

    status = program("GET", f"studies/{study.slug}/status").json()

    assert status == {
        "status": "open",
        "completions": {"total": 6, "done": 6, "failed": 0},
        "comparisons": 3,
        "slots": {"planned": 6, "leased": 0, "filled": 0},
        "judgments": 0,
        "annotators": 0,
    }


def test_cancelling_asks_what_becomes_of_the_finished(program):
    study = draft_study()
    path = f"studies/{study.slug}/moves"
    program("POST", f"{path}/generate")

    unsaid = program("POST", f"{path}/cancel-generation")
    said = program("POST", f"{path}/cancel-generation", {"finished": "keep"})

    assert (unsaid.status_code, unsaid.json()["type"].partition("#")[2]) == (422, "invalid")
    assert (said.status_code, said.json()["status"]) == (200, "draft")


def test_a_move_out_of_turn_is_a_conflict_that_says_what_has_to_be(program):
    study = draft_study(slug="early")

    response = program("POST", "studies/early/moves/open")

    assert response.status_code == 409
    assert (
        response.json()["detail"] == "“early” is draft, so it cannot be opened: it has to be ready to open."
    )
    study.refresh_from_db()
    assert study.status == "draft"


def test_pairs_name_no_arm_until_the_study_is_closed(program):
    study = open_study(comparisons=2)

    before = program("GET", f"studies/{study.slug}/pairs")
    program("POST", f"studies/{study.slug}/moves/close")
    after = program("GET", f"studies/{study.slug}/pairs").json()["items"][0]

    assert "guided" not in before.text
    assert "standard" not in before.text
    pair = before.json()["items"][0]
    assert (set(pair["responses"]), pair["arms"], pair["outcomes"]) == ({"A", "B"}, None, None)
    assert after["arms"] == {"candidate": "guided", "baseline": "standard"}
    assert set(after["responses"]) == {"candidate", "baseline"}


def test_arms_and_results_take_a_scope_of_their_own():
    study = closed_study(comparisons=2)
    reported(study, json="{}")
    reader, knower = analyst_of(study, Scope.READ), analyst_of(study, Scope.READ, Scope.RESULTS)
    paths = ("pairs", "judgments.csv", "reports", "reports/1", "reports/1/report.json")

    refused = [reader("GET", f"studies/{study.slug}/{path}").status_code for path in paths]
    shown = [knower("GET", f"studies/{study.slug}/{path}").status_code for path in paths]

    assert (refused, shown) == ([403] * 5, [200] * 5)


@pytest.mark.parametrize("path", ["judgments.csv", "reports", "reports/1", "reports/1/report.html"])
def test_results_of_a_study_that_collects_are_blinded_for_everybody(program, path):
    study = open_study(comparisons=1)

    response = program("GET", f"studies/{study.slug}/{path}")

    assert (response.status_code, response.json()["type"].partition("#")[2]) == (403, "blinded")


def test_a_report_tells_its_files_and_each_can_be_had(program):
    study = closed_study(comparisons=1)
    reported(study, json="{}", html="<p>Done</p>")

    report = program("GET", f"studies/{study.slug}/reports/1").json()
    bodies = {
        fmt: program("GET", path.removeprefix("/api/v1/")).content for fmt, path in report["files"].items()
    }

    assert report["state"] == "done"
    assert bodies == {"json": b"{}", "html": b"<p>Done</p>"}
    taken = study.events.filter(action="file.downloaded").values_list("after__file", flat=True)
    assert len(taken) == 2


def test_asking_for_a_report_queues_one_and_says_where_it_will_be(program):
    study = closed_study(comparisons=1)
    study.reports.all().delete()

    asked = program("POST", f"studies/{study.slug}/reports")

    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    where = asked["Location"].removeprefix("/api/v1/")
    assert program("GET", where).json()["number"] == asked.json()["number"]


def test_completions_are_taken_whole_or_not_at_all(program):
    study = draft_study(prompts=1)
    path = f"studies/{study.slug}/completions"
    row = '{"prompt": "prompt-0", "arm": "standard", "text": "Yes."}'

    wrong = program(
        "POST",
        path,
        f'{row}\n{{"prompt": "prompt-9", "arm": "standard", "text": "No."}}',
        kind="application/jsonl",
    )
    right = program("POST", path, row, kind="application/jsonl")

    assert wrong.status_code == 422
    assert "line 2: the study has no prompt “prompt-9”" in wrong.json()["detail"]
    assert wrong.json()["errors"][0]["field"] == "line 2"
    assert right.json() == {"imported": 1, "missing": 1}


def test_what_is_still_to_come_is_listed_and_an_upload_may_be_of_one_arm(program):
    study = draft_study(prompts=2)
    path = f"studies/{study.slug}/completions"

    before = program("GET", f"{path}/missing").json()
    taken = program(
        "POST", f"{path}?arm=guided", '{"prompt": "prompt-1", "text": "Yes."}', kind="application/jsonl"
    )
    after = program("GET", f"{path}/missing").json()["items"]

    assert (before["count"], taken.status_code) == (4, 200)
    assert {(one["prompt"], one["arm"]) for one in before["items"]} - {
        (one["prompt"], one["arm"]) for one in after
    } == {("prompt-1", "guided")}


def test_an_annotator_is_left_out_and_counted_again(program):
    study = open_study(comparisons=1)
    annotator = AnnotatorFactory(study=study)
    path = f"studies/{study.slug}"
    body = {"rule": "too-fast", "reason": "Two seconds each."}

    made = program("POST", f"{path}/annotators/{annotator.pk}/exclusions", body)
    listed = program("GET", f"{path}/annotators").json()["items"][0]["exclusions"]
    lifted = program("DELETE", f"{path}/exclusions/{made.json()['exclusion']}")

    assert (made.status_code, listed) == (201, [made.json()])
    assert lifted.json()["revoked_at"] is not None
    assert program("GET", f"{path}/annotators").json()["items"][0]["exclusions"] == []


def test_pairs_are_left_out_with_a_reason_and_put_back(program):
    study = ready_study(prompts=2)
    path = f"studies/{study.slug}"
    first = program("GET", f"{path}/pairs").json()["items"][0]["comparison"]

    unsaid = program("POST", f"{path}/pairs/exclude", {"comparisons": [first]})
    out = program("POST", f"{path}/pairs/exclude", {"comparisons": [first], "reason": "Not English."})
    left = program("GET", f"{path}/pairs").json()["count"]
    back = program("POST", f"{path}/pairs/include", {"flag": "left-out"})

    assert (unsaid.status_code, out.json()["changed"], left) == (409, 1, 1)
    assert back.json()["changed"] == 1


def test_an_invitation_is_told_once_and_can_be_taken(program):
    study = open_study(comparisons=1)
    path = f"studies/{study.slug}/invitations"

    with_key = program("POST", path, {"role": "editor"}, idempotency_key="one")
    made = program("POST", path, {"role": "editor", "note": "Grace"}).json()
    listed = program("GET", path).json()["items"]

    assert with_key.status_code == 400
    assert [one["link"] for one in listed] == [None]
    assert Client().get(urlsplit(made["link"]).path).status_code == 200


def test_the_last_owner_cannot_be_removed(program):
    study = open_study(comparisons=1)
    owner = Membership.objects.create(study=study, user=ResearcherFactory(), role=Role.OWNER)

    response = program("DELETE", f"studies/{study.slug}/members/{owner.pk}")

    assert response.status_code == 409
    assert "only owner" in response.json()["detail"]


def test_the_link_is_renewed_and_limited(program):
    study = open_study(comparisons=1)
    path = f"studies/{study.slug}/link"
    before = program("GET", path).json()["link"]

    renewed = program("PATCH", path, {"renew": True}).json()
    limited = program("PATCH", path, {"until": "2030-01-01T00:00:00Z"}).json()
    naive = program("PATCH", path, {"until": "2030-01-01T00:00:00"})

    assert renewed["link"] != before
    assert limited == {"link": renewed["link"], "until": "2030-01-01T00:00:00Z"}
    assert naive.status_code == 422


def test_a_preset_becomes_a_study_of_ones_own():
    program = Program(ResearcherFactory())

    names = [one["preset"] for one in program("GET", "presets").json()]
    made = program("POST", "presets/several-turns", {})

    assert "several-turns" in names
    assert (made.status_code, made.json()["role"]) == (201, "owner")


def test_the_docs_need_nothing_from_elsewhere_and_name_every_call(client):
    document = client.get("/api/v1/openapi.json").json()
    page = client.get("/api/v1/docs")

    assert all(f"{path}</code>" in page.text for path in document["paths"])
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "'unsafe-inline'" not in page["Content-Security-Policy"]
    assert "<style" not in page.text


def test_unblinding_early_takes_its_scope_a_reason_and_the_name(program):
    study = open_study(comparisons=1, slug="curious")
    writer = Program(program.user, Scope.READ, Scope.WRITE)
    body = {"reason": "A sponsor asked.", "confirmed": "curious"}

    refused = writer("POST", "studies/curious/unblinding", body)
    seen = program("GET", "studies/curious")["ETag"]
    done = program("POST", "studies/curious/unblinding", body)

    assert refused.json()["scope"] == "results"
    assert (done.status_code, done.json()["unblinded"], done.json()["status"]) == (200, True, "open")
    assert done["ETag"] != seen
    assert program("GET", "studies/curious/pairs").json()["items"][0]["arms"] is not None
    assert study.events.get(action="study.unblinded_early").after["reason"] == "A sponsor asked."


def test_a_study_is_copied_extended_and_taken_out_whole(program):
    open_study(comparisons=2, slug="first", overlap=2)

    copied = program("POST", "studies/first/copies", {"study": "second"})
    extended = program("POST", "studies/first/extension", {"overlap": 3, "reason": "Too few came."})
    whole = program("GET", "studies/first/export.zip")

    assert (copied.status_code, copied.json()["study"], copied.json()["status"]) == (201, "second", "draft")
    assert extended.json()["judgments_each"] == 3
    assert program("GET", "studies/first/status").json()["slots"]["planned"] == 6
    assert b"".join(whole.streaming_content).startswith(b"PK")
