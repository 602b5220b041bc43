"""The whole of an annotator's way through a study that is not open, walked without leaving any data."""

import pytest
from lxml import html

from studies.models import Annotator, Assignment, AuditEvent, Judgment, Refusal
from tests.factories import complete, draft_study

pytestmark = pytest.mark.django_db

PAIR = {
    "prompt": "Name a sea.",
    "a": "The North Sea.",
    "b": "Sand.",
    "better": "A",
    "feedback": "A is a sea.",
}
ASKED = {"question": "What do you read?", "options": ["Two responses", "One"], "answer": "Two responses"}
SURVEY = {"name": "age", "question": "How old are you?", "kind": "number"}
ANSWER = {
    "choice-overall": "A",
    "key": "00000000-0000-4000-8000-000000000001",
    "assignment": "00000000-0000-4000-8000-000000000002",
}


@pytest.fixture
def study(db):
    """A draft with every step that a study can have."""
    return draft_study(
        slug="sea", prompts=22, quota=30, practice=[PAIR, PAIR], comprehension=[ASKED], survey=[SURVEY]
    )


def url(step, query=""):
    return f"/studies/sea/try/{step}/{query}"


def shown(response):
    """Return the page's heading and the steps that its bar offers."""
    tree = html.fromstring(response.content.decode())
    return " ".join(tree.xpath("//h1")[0].text_content().split()), tree.xpath(
        "//nav[@class='dry-run']//li/a/text()"
    )


def went(response):
    assert response.status_code == 302, response.content.decode()[:500]
    return response["Location"]


def test_every_step_leads_to_the_next_and_none_leaves_a_trace(dashboard, study):
    before = AuditEvent.objects.count()
    way = [
        (url("consent"), {"agree": "on"}, url("instructions")),
        (url("instructions"), {}, url("practice")),
        (url("practice"), {"pair": "0"}, url("practice", "?pair=1")),
        (url("practice", "?pair=1"), {"pair": "1"}, url("comprehension")),
        (url("comprehension"), {"attempt": "0", "question-0": "Two responses"}, url("compare")),
        (url("compare"), ANSWER, url("compare", "?prompt=2")),
        (url("compare", "?prompt=22"), ANSWER, url("survey")),
        (url("survey"), {"age": "40"}, url("thanks")),
    ]

    pages = [dashboard.get(address) for address, _, _ in way]
    led = [went(dashboard.post(address, data)) for address, data, _ in way]
    last = dashboard.get(url("thanks"))

    assert led == [target for _, _, target in way]
    assert {page.status_code for page in pages} == {200}
    assert shown(last) == (
        "Thank you, that was all",
        ["Consent", "Instructions", "Practice", "Questions", "Comparisons", "Rest", "Survey", "End"],
    )
    assert "EXAMPLE" in last.content.decode()
    counts = [model.objects.count() for model in (Annotator, Assignment, Judgment, Refusal)]
    assert (counts, AuditEvent.objects.count()) == ([0, 0, 0, 0], before)


def test_no_page_of_it_leads_to_an_annotators_link(dashboard, study):
    steps = ("consent", "declined", "instructions", "practice", "comprehension", "screened")
    steps += ("compare", "pause", "survey", "thanks")

    pages = {step: dashboard.get(url(step)).content.decode() for step in steps}

    # As the annotators' templates write the address of a link.
    assert [step for step, page in pages.items() if '"/s/' in page] == []
    assert url("instructions", "?prompt=1&amp;back=compare") in pages["compare"]


def test_practice_tells_its_feedback(dashboard, study):
    right = dashboard.get(url("practice", "?pair=0&choice=A")).content.decode()
    wrong = dashboard.get(url("practice", "?pair=1&choice=B")).content.decode()

    assert ("That is what we would say too." in right, "A is a sea." in right) == (True, True)
    assert "We see this one differently." in wrong


def test_questions_have_two_attempts_and_then_screen_out(dashboard, study):
    answer = {"attempt": "0", "question-0": "One"}

    again = dashboard.post(url("comprehension"), answer, follow=True)
    out = went(dashboard.post(url("comprehension", "?attempt=1"), answer))

    assert "you have one more attempt" in again.content.decode()
    assert (again.redirect_chain[-1][0], out) == (url("comprehension", "?attempt=1"), url("screened"))
    assert shown(dashboard.get(out))[0] == "Thank you for your time"


def test_an_answer_is_taken_back(dashboard, study):
    page = dashboard.get(url("compare", "?prompt=3")).content.decode()
    form = html.fromstring(page).get_element_by_id("undo")

    back = dashboard.post(form.action, {"assignment": form.fields["assignment"]}, follow=True)
    end = dashboard.post(url("undo", "?back=survey"), {})

    assert back.redirect_chain[-1][0] == url("compare", "?prompt=2&rested=2")
    assert "Your last answer is taken back." in back.content.decode()
    assert went(end) == url("compare", "?prompt=22&rested=22")


def test_a_rest_comes_after_twenty_and_only_once(dashboard, study):
    rest = dashboard.get(url("compare", "?prompt=21"))
    form = html.fromstring(rest.content.decode()).forms[0]

    on = went(dashboard.post(form.action, {}))

    assert shown(rest)[0] == "Time for a short rest"
    assert "You have judged 20 of 22 comparisons" in rest.content.decode()
    assert on == url("compare", "?prompt=21&rested=21")
    assert "Response A" in dashboard.get(on).content.decode()


def test_a_reported_comparison_is_left_behind(dashboard, study):
    empty = dashboard.post(url("skip"), {"assignment": ANSWER["assignment"]})
    sent = dashboard.post(url("skip"), {"assignment": ANSWER["assignment"], "reason": "broken"}, follow=True)

    assert empty.status_code == 422
    assert sent.redirect_chain[-1][0] == url("compare", "?prompt=2")
    assert "You will not see that comparison again." in sent.content.decode()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("consent", "Tick the box if you agree to take part."),
        ("comprehension", "Choose an answer."),
        ("compare", "Choose an answer to “Which response is better: overall?”."),
        ("survey", "Enter a number."),
    ],
)
def test_what_is_missing_is_told_as_it_will_be(dashboard, study, step, told):
    ids = {"attempt": "0"} | {name: ANSWER[name] for name in ("key", "assignment")}

    page = dashboard.post(url(step), ids)

    assert (page.status_code, told in page.content.decode()) == (422, True)


def test_a_script_is_answered_as_on_the_real_page(dashboard, study):
    as_json = {"headers": {"Accept": "application/json"}}

    saved = dashboard.post(url("compare"), ANSWER, **as_json)
    refused = dashboard.post(url("compare"), ANSWER | {"choice-overall": ""}, **as_json)

    assert saved.json() == {"saved": True, "next": url("compare", "?prompt=2")}
    assert (refused.status_code, refused.json()["field"]) == (422, None)


def test_whoever_declines_sees_how_that_ends(dashboard, study):
    assert went(dashboard.post(url("consent"), {"decline": "1"})) == url("declined")
    assert shown(dashboard.get(url("declined")))[0] == "That is perfectly fine"


def test_what_is_written_already_stands_in_the_place_of_the_responses(dashboard, study):
    placeholders = dashboard.get(url("compare")).content.decode()
    complete(study)

    written = dashboard.get(url("compare")).content.decode()

    assert ("This stands where" in placeholders, "This stands where" in written) == (True, False)
    assert written.count("about the sea.") == 2
