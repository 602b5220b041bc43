"""Chains of thought: their answers on the annotator's page, their right answers by arm."""

import pytest

from generation.models import Completion
from studies import queries
from studies.domain.unblinding import responses
from studies.files.errors import StudyFileError
from studies.files.importer import import_study
from studies.files.writer import export_study
from studies.models import Study
from tests import factories

pytestmark = pytest.mark.django_db

FILE = """
evenhand: 1
study: sums
title: Which reasoning is better?
instructions: Read both.
consent: You may stop.
answer_marker: "Answer:"
criteria: [{name: overall, question: Which is better?, primary: true}]
arms:
  - {name: standard, baseline: true, checkpoint: smollm2-135m-instruct}
  - {name: guided, checkpoint: smollm2-135m-instruct, guidance_scale: 1.5, negative: default_system}
prompts:
  - {id: boats, family: chain_of_thought, answer: "12", user: "Three boats carry four people each. How many?"}
"""


def reasoned_study():
    """Two prompts of which the first has a right answer; the guided arm finds it, the baseline does not."""
    study = factories.draft_study(prompts=2)
    Study.objects.filter(pk=study.pk).update(answer_marker="Answer:")
    study.prompts.filter(position=0).update(family="chain_of_thought", answer="12")
    factories.complete(study)
    for arm in study.arms.all():
        text = "It must be seven." if arm.baseline else "Three times four.\nAnswer: 12 people"
        Completion.objects.filter(arm_key=arm.key).update(text=text)
    Study.objects.filter(pk=study.pk).update(status="generating")
    return factories.lifecycle.settle(Study.objects.get(pk=study.pk))


def test_right_answers_are_counted_by_arm_among_prompts_that_have_one():
    standard, guided = queries.arm_answers(reasoned_study())

    assert (standard.asked, standard.answered, standard.right, standard.right_share) == (1, 0, 0, 0)
    assert (guided.asked, guided.answered, guided.right, guided.right_share) == (1, 1, 1, 1)


def test_the_answer_is_set_apart_in_chains_of_thought_only():
    study = factories.lifecycle.open_study(study=reasoned_study(), actor="tests")

    shown = {
        (row.comparison.prompt.family, response.answer)
        for row in study.assignments.select_related("comparison__study", "comparison__prompt")
        for response in responses(row)
    }

    assert shown == {("chain_of_thought", "12 people"), ("chain_of_thought", ""), ("chat", "")}


def test_the_study_page_tells_right_answers_once_the_study_is_closed(dashboard):
    study = factories.lifecycle.open_study(study=reasoned_study(), actor="tests")

    before = dashboard.get(f"/studies/{study.slug}/").content.decode()
    factories.lifecycle.close_study(study=study, actor="tests")
    after = dashboard.get(f"/studies/{study.slug}/").content.decode()

    assert "Right answers" not in before
    assert "Right answers" in after


def test_a_file_with_answers_comes_out_as_it_went_in():
    study = import_study(FILE.encode(), name="sums.yaml", actor="ada")

    text = export_study(study)

    assert "answer_marker: 'Answer:'\n" in text
    assert "answer: '12'\n" in text
    assert import_study(text.encode(), name="sums.yaml", actor="ada") == study


@pytest.mark.parametrize(
    "broken",
    [
        FILE.replace('answer_marker: "Answer:"\n', ""),
        FILE.replace("chain_of_thought", "chat"),
    ],
)
def test_a_right_answer_without_a_marker_or_outside_a_chain_of_thought_is_refused(broken):
    with pytest.raises(StudyFileError, match=r"prompts\[0\]\.answer: is compared with what stands behind"):
        import_study(broken.encode(), name="sums.yaml", actor="ada")
