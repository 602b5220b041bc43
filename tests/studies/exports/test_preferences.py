"""Preference pairs: who is chosen, what ties and thresholds do, and that the trainers' library reads them."""

import json

import datasets
import pytest
from django.core.management import CommandError, call_command

from studies.domain import lifecycle
from studies.domain.errors import StudyError
from studies.domain.unblinding import unblind
from studies.enums import Outcome
from studies.exports.preferences import Form, Ties, Wish, pairs
from studies.models import Judgment, Prompt
from tests.factories import AnnotatorFactory, closed_study, judge, open_study, ready_study
from tests.studies.reports.kit import exclude, judged_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    """One prompt, judged by four: made to say what each test wants."""
    return closed_study(annotators=4, comparisons=1, overlap=4)


def say(study, *outcomes):
    """Rewrite the judgments of a study with one comparison, in the arm frame."""
    for judgment, outcome in zip(
        Judgment.objects.filter(assignment__study=study).order_by("pk"), outcomes, strict=True
    ):
        said = {unblind(c, candidate_slot=judgment.assignment.candidate_slot): c for c in ("A", "B", "tie")}
        Judgment.objects.filter(pk=judgment.pk).update(choice=said[Outcome(outcome)])


@pytest.mark.parametrize(
    ("outcomes", "chosen"),
    [(("win", "win", "win", "loss"), "guided"), (("loss", "loss", "loss", "win"), "standard")],
)
def test_the_response_that_more_preferred_is_chosen(study, outcomes, chosen):
    say(study, *outcomes)

    (pair,) = pairs(study, Wish())

    comparison = study.comparisons.get()
    texts = {"guided": comparison.candidate.text, "standard": comparison.baseline.text}
    assert pair["chosen"] == [{"role": "assistant", "content": texts.pop(chosen)}]
    assert pair["rejected"] == [{"role": "assistant", "content": texts.popitem()[1]}]
    assert pair["prompt"] == comparison.prompt.messages
    assert (pair["share"], pair["judgments"]) == (0.75, 4)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        # Two prefer the candidate, one the baseline, one neither: 2 of 4 or, without the tie, 2 of 3.
        (Wish(share=0.5), [(0.5, 4)]),
        (Wish(share=0.6), []),
        (Wish(share=0.6, ties=Ties.LEAVE_OUT), [(2 / 3, 3)]),
        (Wish(least=4, ties=Ties.LEAVE_OUT), []),
        (Wish(least=4), [(0.5, 4)]),
    ],
)
def test_thresholds_and_ties_decide_which_pairs_there_are(study, wish, found):
    say(study, "win", "win", "loss", "tie")

    assert [(pair["share"], pair["judgments"]) for pair in pairs(study, wish)] == found


@pytest.mark.parametrize("outcomes", [("win", "win", "loss", "loss"), ("tie", "tie", "tie", "tie")])
def test_without_a_preference_there_is_no_pair(study, outcomes):
    say(study, *outcomes)

    assert list(pairs(study, Wish(share=0.01))) == []


def test_what_is_left_out_of_the_results_counts_only_when_asked_for():
    study = judged_study()
    exclude(study)

    without = sum(pair["judgments"] for pair in pairs(study, Wish()))
    with_them = sum(pair["judgments"] for pair in pairs(study, Wish(excluded=True)))

    assert 0 < without < with_them <= 40


def test_each_criterion_has_its_own_pairs():
    study = judged_study()

    first, second = (
        [pair["share"] for pair in pairs(study, Wish(criterion=name))] for name in ("follows", "answers")
    )

    assert first != second
    assert [pair["share"] for pair in pairs(study, Wish())] == first
    with pytest.raises(StudyError, match=r"no criterion “taste”\. It has: follows, answers"):
        list(pairs(study, Wish(criterion="taste")))


def test_the_pairs_of_an_open_study_stay_hidden():
    with pytest.raises(StudyError, match="has to be closed"):
        list(pairs(open_study(comparisons=1), Wish()))


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_hugging_face_datasets_loads_conversations(tmp_path, ending):
    study = judged_study()
    path = tmp_path / f"pairs.{ending}"

    call_command("study", "preferences", study.slug, "--out", str(path))

    loaded = load(path, tmp_path)
    expected = list(pairs(study, Wish()))
    assert [row["chosen"] for row in loaded] == [pair["chosen"] for pair in expected]
    assert [row["prompt"] for row in loaded] == [pair["prompt"] for pair in expected]
    assert [turn["role"] for turn in loaded[0]["prompt"]] == ["system", "user"]


def test_hugging_face_datasets_loads_plain_texts(tmp_path, plain):
    path = tmp_path / "pairs.parquet"

    call_command("study", "preferences", plain.slug, "--out", str(path))

    (row,) = load(path, tmp_path)
    comparison = plain.comparisons.select_related("candidate", "baseline").get()
    assert row["prompt"] == "Once upon a time"
    assert {row["chosen"], row["rejected"]} == {comparison.candidate.text, comparison.baseline.text}


def test_conversations_and_plain_texts_do_not_share_a_file(mixed):
    with pytest.raises(StudyError, match="1 plain prompts and 1 conversations"):
        list(pairs(mixed, Wish()))

    for form, kind in ((Form.PLAIN, str), (Form.CONVERSATION, list)):
        assert [type(pair["prompt"]) for pair in pairs(mixed, Wish(form=form))] == [kind]


def test_the_file_has_to_say_its_format(study, tmp_path):
    with pytest.raises(CommandError, match=r"pairs\.txt has to end in \.jsonl or \.parquet"):
        call_command("study", "preferences", study.slug, "--out", str(tmp_path / "pairs.txt"))


def test_every_line_is_an_object_of_its_own(study, tmp_path):
    path = tmp_path / "pairs.jsonl"

    call_command("study", "preferences", study.slug, "--out", str(path), "--share", "0.01")

    assert all(
        {"prompt", "chosen", "rejected"} <= set(json.loads(line)) for line in path.read_text().splitlines()
    )


def load(path, folder):
    kind = {".jsonl": "json", ".parquet": "parquet"}[path.suffix]
    return datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"))


@pytest.fixture
def plain():
    return _with_plain(1)


@pytest.fixture
def mixed():
    return _with_plain(2)


def _with_plain(comparisons):
    ready = ready_study(prompts=comparisons, overlap=1)
    first = ready.prompts.order_by("position").first()
    Prompt.objects.filter(pk=first.pk).update(messages=[], text="Once upon a time")
    study = lifecycle.open_study(study=ready, actor="tests")
    judge(study, annotator=AnnotatorFactory(study=study))
    return lifecycle.close_study(study=study, actor="tests")
