"""The comparison page and the answers to it, as a browser without scripts meets them."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.domain import lifecycle
from studies.enums import Scale
from studies.models import Assignment, AuditEvent, Judgment, Skip, Study
from tests.factories import open_study

pytestmark = pytest.mark.django_db


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def arrive(study: Study) -> Client:
    client = Client()
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))
    return client


def served(client: Client, study: Study) -> dict:
    page = client.get(address(study, "compare")).context
    return {"assignment": page["assignment"], "key": page["key"]}


def answer(client: Client, study: Study, page: dict, choice: str = "A", **headers):
    data = {**page, "choice-overall": choice}
    return client.post(address(study, "compare"), data, headers=headers or None)


def judge_all(client: Client, study: Study, number: int) -> None:
    for _ in range(number):
        answer(client, study, served(client, study))


def test_the_same_comparison_comes_back_on_reload_and_in_a_second_tab():
    study = open_study()
    client = arrive(study)

    seen = {served(client, study)["assignment"] for _ in range(3)}

    assert len(seen) == 1


def test_an_answer_is_stored_in_the_frame_of_the_screen():
    study = open_study()
    client = arrive(study)
    page = served(client, study)

    response = client.post(
        address(study, "compare"),
        {**page, "choice-overall": "B", "reason": "B is on topic.", "active_ms": "4321"},
    )

    judgment = Judgment.objects.get()
    assert response.url == address(study, "compare")
    assert (judgment.choice, judgment.strength, judgment.reason, judgment.active_ms) == (
        "B",
        None,
        "B is on topic.",
        4321,
    )


def test_a_double_click_stores_one_answer():
    study = open_study()
    client = arrive(study)
    page = served(client, study)

    first, second = (answer(client, study, page) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert Judgment.objects.count() == 1


def test_the_second_tab_is_told_that_the_first_answer_stands():
    study = open_study()
    client = arrive(study)
    here, there = served(client, study), served(client, study)
    answer(client, study, here, "A")

    response = client.post(address(study, "compare"), {**there, "choice-overall": "B"}, follow=True)

    assert "Your first answer is kept" in response.text
    assert Judgment.objects.get().choice == "A"


def test_a_missing_answer_is_asked_for_without_losing_the_others():
    study = open_study(criteria=(("overall", Scale.TIE), ("clarity", Scale.TIE)))
    client = arrive(study)

    response = answer(client, study, served(client, study), "B")

    assert response.status_code == 422
    assert "Choose an answer to “Which response is better: clarity?”" in response.text
    assert response.text.count(" checked") == 1
    assert Judgment.objects.count() == 0


def test_an_answer_that_the_scale_does_not_offer_is_refused_by_name():
    study = open_study(criteria=(("overall", Scale.TWO_WAY),))
    client = arrive(study)

    response = answer(client, study, served(client, study), "tie")

    assert response.status_code == 422
    assert "“Which response is better: overall?” does not offer that answer." in response.text


def test_a_script_gets_json_for_the_same_post():
    study = open_study()
    client = arrive(study)

    saved = answer(client, study, served(client, study), accept="application/json")
    refused = answer(client, study, served(client, study), "nonsense", accept="application/json")

    assert saved.json() == {"saved": True, "next": address(study, "compare")}
    assert (refused.status_code, list(refused.json())) == (422, ["error", "field"])


def test_a_guessed_row_is_not_found():
    study = open_study()
    client = arrive(study)

    response = answer(client, study, {"assignment": str(uuid.uuid4()), "key": str(uuid.uuid4())})

    assert response.status_code == 404


def test_a_row_of_another_study_is_not_found():
    study, other = open_study(), open_study()
    client = arrive(study)
    foreign = other.assignments.first()

    response = answer(client, study, {"assignment": str(foreign.key), "key": str(uuid.uuid4())})

    assert response.status_code == 404


def test_somebody_elses_row_is_kindly_refused():
    study = open_study()
    mine, theirs = arrive(study), arrive(study)
    page = served(theirs, study)

    response = mine.post(address(study, "compare"), {**page, "choice-overall": "A"}, follow=True)

    assert "had gone to somebody else" in response.text
    assert Judgment.objects.count() == 0


def test_undo_brings_the_last_comparison_back_and_logs_the_old_answer():
    study = open_study()
    client = arrive(study)
    page = served(client, study)
    answer(client, study, page, "B")
    undo = client.get(address(study, "compare")).context["undo"]

    client.post(address(study, "undo"), {"assignment": undo})

    assert served(client, study)["assignment"] == page["assignment"]
    assert Judgment.objects.count() == 0
    event = AuditEvent.objects.get(action="judgment.undone")
    assert event.before["judgments"][0]["choice"] == "B"


def test_undo_pressed_twice_takes_back_one_answer():
    study = open_study()
    client = arrive(study)
    judge_all(client, study, 2)
    undo = client.get(address(study, "compare")).context["undo"]

    for _ in range(2):
        client.post(address(study, "undo"), {"assignment": undo})

    assert Judgment.objects.count() == 1


def test_undo_after_the_last_comparison_reopens_it():
    study = open_study(comparisons=1)
    client = arrive(study)
    judge_all(client, study, 1)
    page = client.get(address(study, "compare"), follow=True)

    response = client.post(address(study, "undo"), {"assignment": page.context["undo"]}, follow=True)

    assert response.redirect_chain == [(address(study, "compare"), 302)]
    assert "Your last answer is taken back" in response.text


def test_a_reported_comparison_goes_back_and_does_not_return():
    study = open_study(comparisons=2)
    client = arrive(study)
    page = served(client, study)

    client.post(
        address(study, "skip"), {"assignment": page["assignment"], "reason": "broken", "note": "cut off"}
    )

    assert served(client, study)["assignment"] != page["assignment"]
    assert Assignment.objects.get(key=page["assignment"]).annotator is None
    assert Skip.objects.get().reason == "broken: cut off"


def test_a_report_needs_a_reason():
    study = open_study()
    client = arrive(study)

    response = client.post(address(study, "skip"), {"assignment": served(client, study)["assignment"]})

    assert response.status_code == 422
    assert "Say what the problem is" in response.text
    assert Skip.objects.count() == 0


def test_a_pause_comes_after_twenty_and_ends_when_one_goes_on():
    study = open_study(comparisons=22, quota=30)
    client = arrive(study)
    judge_all(client, study, 20)

    resting = [client.get(address(study, "compare")).text for _ in range(2)]
    response = client.post(address(study, "resume"), follow=True)

    assert ["Time for a short rest" in text for text in resting] == [True, True]
    assert "Response A" in response.text


def test_progress_counts_what_is_left_for_this_annotator():
    study = open_study(comparisons=6, quota=4)
    client = arrive(study)

    far = []
    for _ in range(4):
        progress = client.get(address(study, "compare")).context["progress"]
        far.append((progress.position, progress.total))
        judge_all(client, study, 1)

    assert far == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_paused_study_still_takes_what_was_on_screen():
    study = open_study()
    client = arrive(study)
    page = served(client, study)
    lifecycle.pause_study(study=study, actor="tests")

    response = client.post(address(study, "compare"), {**page, "choice-overall": "A"}, follow=True)

    assert Judgment.objects.count() == 1
    assert "paused this study" in response.text


def test_a_closed_study_takes_nothing_more_and_says_so():
    study = open_study()
    client = arrive(study)
    page = served(client, study)
    lifecycle.close_study(study=study, actor="tests")

    response = client.post(address(study, "compare"), {**page, "choice-overall": "A"}, follow=True)

    assert Judgment.objects.count() == 0
    assert "The study has closed, so this answer is not counted" in response.text


def test_a_latecomer_to_a_full_study_is_told_so():
    study = open_study(comparisons=1, overlap=1)
    first, second = arrive(study), arrive(study)
    served(first, study)

    response = second.get(address(study, "compare"))

    assert "Nothing left to compare" in response.text


def test_serving_costs_the_same_queries_at_any_size(django_assert_num_queries):
    small, large = open_study(comparisons=3), open_study(comparisons=30)

    for study in (small, large):
        client = arrive(study)
        judge_all(client, study, 1)
        with django_assert_num_queries(10):
            client.get(address(study, "compare"))


def test_a_response_cannot_smuggle_in_markup():
    study = open_study()
    text = '<img src=x onerror=alert(1)> & "quotes"'
    for comparison in study.comparisons.select_related("candidate", "baseline"):
        for completion in (comparison.candidate, comparison.baseline):
            completion.text = text
            completion.save()

    response = arrive(study).get(address(study, "compare"))

    assert "<img" not in response.text
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot;" in response.text


def test_a_markdown_response_keeps_its_form_and_loads_nothing():
    study = open_study(text_format="markdown")
    text = "# Big\n\n**bold** [link](https://evil.example/x) ![pixel](https://evil.example/p.png)"
    for comparison in study.comparisons.select_related("candidate", "baseline"):
        for completion in (comparison.candidate, comparison.baseline):
            completion.text = text
            completion.save()

    response = arrive(study).get(address(study, "compare"))

    assert response.text.count("<h3>Big</h3>") == 2
    assert "<strong>bold</strong> link" in response.text
    assert "evil.example" not in response.text


def test_pages_of_swapped_arms_differ_in_the_texts_only():
    study = open_study(comparisons=1, overlap=2)
    pages = {}
    for _ in range(2):
        client = arrive(study)
        text = client.get(address(study, "compare")).text
        row = Assignment.objects.exclude(annotator=None).latest("leased_at")
        pages[row.candidate_slot] = _without_randomness(text, client, row)

    assert pages["A"] == pages["B"]


def _without_randomness(text: str, client: Client, row: Assignment) -> str:
    for number, completion in enumerate((row.comparison.candidate, row.comparison.baseline)):
        assert completion.text in text, number
        text = text.replace(completion.text, "TEXT")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "CSRF", text)


def test_nothing_the_browser_gets_names_an_arm():
    study = open_study(arms=("canary-standard", "canary-guided"), slug="canary-slug")
    client = arrive(study)

    received = []
    for name in ("start", "consent", "instructions", "compare", "thanks"):
        response = client.get(address(study, name), follow=True)
        received += [response.text, str(response.headers), client.cookies.output()]

    assert not [text for text in received if "canary" in text or "guidance" in text or "tiny" in text]


def test_an_expired_lease_is_renewed_for_its_holder():
    study = open_study()
    client = arrive(study)
    page = served(client, study)
    past = timezone.now() - timedelta(hours=1)
    Assignment.objects.filter(key=page["assignment"]).update(leased_at=past, lease_expires_at=past)

    again = served(client, study)

    assert again["assignment"] == page["assignment"]
    assert Assignment.objects.get(key=page["assignment"]).lease_expires_at > timezone.now()


def test_what_was_shown_to_one_is_not_kept_for_another():
    study = open_study(criteria=(("overall", Scale.TIE),), reasons={"options": ["Clearer"]})
    first, second = arrive(study), arrive(study)
    page = served(first, study)
    unwritten = first.get(address(study, "compare")).context["parts"]

    refused = first.post(
        address(study, "compare"), {**page, "reason": "Half a thought.", "ticked": "Clearer"}
    )
    german = second.get(address(study, "compare"), headers={"accept-language": "de"})
    english = second.get(address(study, "compare"))

    assert "Half a thought." in refused.text
    assert "A ist besser" in german.text
    assert dict(english.context["parts"]) == dict(unwritten)


def test_the_last_answer_can_be_taken_back_whatever_was_given_back_since():
    study = open_study(comparisons=4)
    client = arrive(study)
    judge_all(client, study, 1)
    second = served(client, study)
    answer(client, study, second)
    third = served(client, study)
    client.post(address(study, "skip"), {"assignment": third["assignment"], "reason": "broken"})

    undo = client.get(address(study, "compare")).context["undo"]

    assert undo == second["assignment"]
