"""The two forms to attach: what the plan fixed, and who judged what."""

import json
import re

import pytest
from django.core.management import call_command

from studies.analysis.planning import Assumptions, Design, planned_power
from studies.models import Study
from studies.reports.pdf import plain
from studies.reports.preregistration import BLANK, preregistration
from studies.reports.render import Drawn, render
from studies.reports.sections_forms import forms
from studies.reports.summary import summarize
from tests.factories import draft_study, open_study
from tests.studies.reports.kit import PLAN, judged_study, planned_study

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shared(shared_db):
    return planned_study(quality={"failed_checks": 2})


@pytest.fixture(scope="module")
def drawn(shared):
    return Drawn(summarize(shared))


@pytest.fixture
def planned(shared, db):
    return Study.objects.get(pk=shared.pk)


def test_the_preregistration_says_what_the_frozen_plan_fixes(planned, drawn):
    text = drawn.file("preregistration").decode()

    for words in (
        planned.plan_hash,
        "Non-inferiority and equivalence are tested within 10 points",
        "Criteria are tested in the file's order",
        "At most 3 looks, the last one included, with obrien fleming spending",
        "strata of prompts, as an exploration",
        "* Not passed: 2 attention checks or more.",
        "* **answers**: “Which response is better: answers?” Scale: tie.",
        "guidance_scale 1.5",
    ):
        assert words in text
    assert BLANK in text


def test_it_is_made_of_the_plan_and_not_of_the_present_columns(planned):
    before = preregistration(planned)
    planned.analysis, planned.quality, planned.quota = {}, {}, 1

    assert preregistration(planned) == before


def test_a_draft_says_that_nothing_is_fixed(tmp_path):
    study = draft_study(slug="early")

    call_command("study", "preregistration", "early", "--out", str(tmp_path / "p.md"))

    text = (tmp_path / "p.md").read_text(encoding="utf-8")
    assert "**The plan is not frozen yet: opening the study fixes it.**" in text
    assert study.slug in text


def test_it_can_be_had_while_the_study_is_open_and_names_no_result():
    text = preregistration(open_study(comparisons=2))

    assert "Made from the plan frozen on" in text
    assert "All criteria and candidates are corrected together by Holm's method." in text
    assert "any exclusion will be listed as a deviation" in text


def test_the_datasheet_is_filled_in_and_marks_what_it_cannot_know(drawn):
    text = drawn.file("datasheet").decode()

    assert "| Evaluators who judged | 8 |" in text
    assert "| Items evaluated | 10 pairs of responses to 10 prompts |" in text
    assert f"| Payment, and per hour | {BLANK} |" in text
    assert "| Consent | You may stop at any time. |" in text


def test_simulated_forms_say_so():
    study = judged_study(comparisons=2, simulated=True)

    for form in ("preregistration", "datasheet"):
        assert "**SIMULATED" in render(study, form).decode()


def test_planned_power_stands_beside_the_achieved_precision(drawn):
    data = json.loads(drawn.file("json"))
    page = drawn.file("html").decode()

    # Oracle: the planning module, whose own oracles are in its tests.
    said = PLAN["expected"]
    expected = planned_power(
        Assumptions(said["win_rate"], 0.0, said["rho_annotators"], said["rho_prompts"]), Design(8, 10, 4)
    )
    assert data["planned_power"]["power"] == expected.power
    assert data["planned_power"]["design_effect"] == expected.design_effect
    assert "Power at the expected win rate" in page


def test_a_plan_that_cannot_be_has_no_power():
    expected = {"win_rate": 0.1, "annotators": 8, "tie_rate": 0.9}
    study = judged_study(comparisons=2, analysis={"expected": expected})

    assert json.loads(render(study, "json"))["planned_power"] is None


def words(text):
    return set(re.findall(r"\w+", text))


def test_both_forms_are_appendices_with_every_word_of_their_files(drawn):
    summary = drawn.summary
    first, second = forms(summary)

    shown = [words(" ".join(spoken(section.blocks))) for section in (first, second)]
    asked = [words(form.partition("\n")[2]) for form in (summary.preregistration, summary.datasheet)]

    assert [section.key for section in (first, second)] == ["preregistration", "datasheet"]
    assert asked[0] <= shown[0]
    assert asked[1] <= shown[1] | {"question", "answer"}
    assert not any(
        mark in text for section in (first, second) for text in spoken(section.blocks) for mark in ("|", "**")
    )
    assert [section.key for section in drawn.view["sections"]][-2:] == [
        "preregistration",
        "datasheet",
    ]


def spoken(blocks):
    """Return every text of the blocks."""
    for block in blocks:
        for value in plain(block).values():
            yield from flat(value)


def flat(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from flat(each)
