"""The steps between the instructions and the comparisons, without a browser's scripts."""

import pytest
from django.test import Client
from django.urls import reverse

from studies.enums import AnnotatorStatus, Scale
from studies.models import Annotator, Study
from tests.factories import open_study

pytestmark = pytest.mark.django_db
PRACTICE = [
    {"prompt": "Be a pirate.", "a": "Arr!", "b": "Hello.", "better": "A", "feedback": "Only A is a pirate."},
    {"prompt": "Be brief.", "a": "Well, now.", "b": "Yes.", "better": "B", "feedback": "B is shorter."},
]
QUESTIONS = [
    {"question": "What counts?", "options": ["Length", "Fit to the prompt"], "answer": "Fit to the prompt"},
    {"question": "May you stop?", "options": ["Yes, always", "No"], "answer": "Yes, always"},
]
RIGHT = {"question-0": "Fit to the prompt", "question-1": "Yes, always"}
WRONG = RIGHT | {"question-0": "Length"}


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def arrive(client: Client, study: Study) -> Annotator:
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))
    return study.annotators.latest("id")


def where(client: Client, study: Study) -> str:
    """Return the page to which the link leads."""
    chain = client.get(address(study, "start"), follow=True).redirect_chain
    return chain[-1][0].rstrip("/").rsplit("/", 1)[-1]


def attempt(client: Client, study: Study, answers: dict[str, str], number: int = 0):
    return client.post(address(study, "comprehension"), answers | {"attempt": number})


@pytest.fixture
def study():
    return open_study(comparisons=3, practice=PRACTICE, comprehension=QUESTIONS)


def test_practice_comes_after_the_instructions_and_tells_nothing_before_a_choice(client, study):
    arrive(client, study)

    page = client.get(address(study, "start"), follow=True).text

    assert where(client, study) == "practice"
    assert "Arr!" in page
    assert "Only A is a pirate." not in page


@pytest.mark.parametrize(
    ("choice", "words"), [("A", "That is what we would say too."), ("B", "We see this one differently.")]
)
def test_feedback_follows_the_choice_and_survives_a_reload(client, study, choice, words):
    arrive(client, study)

    pages = [client.get(address(study, "practice"), {"pair": "0", "choice": choice}).text for _ in range(2)]

    assert [words in page and "Only A is a pirate." in page for page in pages] == [True, True]


def test_a_choice_for_another_pair_or_scale_gets_no_feedback(client, study):
    arrive(client, study)

    other = client.get(address(study, "practice"), {"pair": "1", "choice": "A"}).text
    unknown = client.get(address(study, "practice"), {"pair": "0", "choice": "C"}).text

    assert "Only A is a pirate." not in other + unknown
    assert "Choose an answer first." in unknown


def test_going_on_twice_moves_on_once(client, study):
    annotator = arrive(client, study)

    for _ in range(2):
        client.post(address(study, "practice"), {"pair": "0"})

    annotator.refresh_from_db()
    assert (annotator.practised, where(client, study)) == (1, "practice")


def test_a_graded_scale_can_be_practised(client):
    graded = open_study(comparisons=1, criteria=(("overall", Scale.FIVE_POINT),), practice=PRACTICE)
    arrive(client, graded)

    page = client.get(address(graded, "practice"), {"pair": "0", "choice": "A2"}).text

    assert "That is what we would say too." in page


def through_practice(client: Client, study: Study) -> Annotator:
    annotator = arrive(client, study)
    for number in range(len(PRACTICE)):
        client.post(address(study, "practice"), {"pair": str(number)})
    return annotator


def test_right_answers_let_the_annotator_in(client, study):
    annotator = through_practice(client, study)

    response = attempt(client, study, RIGHT)

    annotator.refresh_from_db()
    assert response.url == address(study, "compare")
    assert (annotator.attempts, annotator.understood_at is not None) == (0, True)
    assert "Response A" in client.get(response.url).text


def test_the_second_failure_screens_out_for_good(client, study):
    annotator = through_practice(client, study)

    attempt(client, study, WRONG)
    told = client.get(address(study, "comprehension")).text
    attempt(client, study, WRONG, number=1)
    attempt(client, study, RIGHT, number=1)

    annotator.refresh_from_db()
    assert "you have one more attempt" in told
    assert (annotator.attempts, annotator.status) == (2, AnnotatorStatus.SCREENED)
    assert where(client, study) == "screened"
    assert client.get(address(study, "compare"), follow=True).redirect_chain[-1][0] == address(
        study, "screened"
    )
    assert study.assignments.filter(annotator=annotator).count() == 0


def test_a_page_sent_twice_spends_one_attempt(client, study):
    annotator = through_practice(client, study)

    for _ in range(2):
        attempt(client, study, WRONG)

    annotator.refresh_from_db()
    assert annotator.attempts == 1


def test_an_unanswered_question_spends_no_attempt(client, study):
    annotator = through_practice(client, study)

    response = attempt(client, study, {"question-0": "Length"})

    annotator.refresh_from_db()
    assert (response.status_code, annotator.attempts) == (422, 0)
    assert "Choose an answer." in response.text


def test_which_answer_is_right_is_not_in_the_page(client, study):
    through_practice(client, study)
    page = client.get(address(study, "comprehension")).text

    marks = [page.count(f'value="{option}"') for question in QUESTIONS for option in question["options"]]

    assert marks == [1, 1, 1, 1]
    assert "checked" not in page


def test_no_step_can_be_skipped_by_its_address(client, study):
    arrive(client, study)

    for name in ("compare", "comprehension", "screened"):
        client.get(address(study, name))

    assert where(client, study) == "practice"
    assert client.get(address(study, "compare")).status_code == 302
    assert study.assignments.exclude(annotator=None).count() == 0
