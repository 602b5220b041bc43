"""The quality scan of a whole study: flags of pairs, a summary by arm, read at once and kept."""

import pytest
from django.utils import timezone

from generation.models import Completion
from studies import queries
from tests import factories

pytestmark = pytest.mark.django_db


def rewrite(completion, text="", **fields):
    """Give a completion other content, as a worker does who writes it anew."""
    Completion.objects.filter(pk=completion.pk).update(text=text, finished_at=timezone.now(), **fields)


def some(counts):
    return {name: number for name, number in counts.items() if number}


@pytest.mark.parametrize("side", ["candidate", "baseline"])
def test_a_pair_is_flagged_for_either_of_its_texts(side):
    study = factories.ready_study(prompts=2)
    pair = study.comparisons.first()
    rewrite(getattr(pair, side), "Well.<|im_end|>")

    scan = queries.scan(study)

    assert some(scan.counts) == {"special-tokens": 1}
    assert scan.flagged("special-tokens") == scan.flagged("any") == {pair.pk}
    assert scan.flagged("empty") == set()
    assert queries.pair_keys(study, flag="special-tokens") == [pair.pk]


def test_identical_texts_and_the_length_limit_are_flags_of_a_pair():
    study = factories.ready_study(prompts=3)
    cut, same, _ = study.comparisons.all()
    rewrite(cut.candidate, "Well", finish_reason="length")
    study.comparisons.filter(pk=same.pk).update(identical=True)

    scan = queries.scan(study)

    assert some(scan.counts) == {"identical": 1, "cut-off": 1}
    assert scan.pairs[cut.pk].candidate == ("cut-off",)
    assert scan.pairs[same.pk].flags == ("identical",)


def test_each_completion_counts_once_for_its_arm_however_many_pairs_it_is_in():
    study = factories.ready_study(prompts=2, arms=("standard", "mild", "strong"))
    rewrite(study.comparisons.first().baseline, "")

    scan = queries.scan(study)

    assert some(scan.counts) == {"empty": 2}
    by_arm = {arm.arm: (arm.completions, arm.flagged, arm.counts) for arm in scan.by_arm.values()}
    assert by_arm == {"standard": (2, 1, {"empty": 1}), "mild": (2, 0, {}), "strong": (2, 0, {})}


def test_a_german_answer_to_an_english_prompt_is_flagged_with_its_reason():
    study = factories.ready_study(prompts=1)
    prompt = study.prompts.get()
    prompt.messages = [
        {"role": "user", "content": "What do they do when they are on the sea in a boat at night?"}
    ]
    prompt.save()
    pair = study.comparisons.select_related("candidate", "prompt").get()
    rewrite(pair.candidate, "Das Meer ist groß, und die Boote sind auf dem Wasser, bis es wieder hell wird.")
    rewrite(pair.baseline, "They look at the stars, and they wait until it is light again.")
    pair = queries.pairs(study).get()

    candidate, baseline = queries.text_findings(pair)

    assert [finding.reason for finding in candidate] == ["it reads as German, its prompt as English"]
    assert baseline == ()
    assert some(queries.scan(study).counts) == {"language": 1}


def test_a_second_look_reads_no_text_and_a_text_written_anew_is_read(django_assert_num_queries):
    study = factories.ready_study(prompts=3)
    assert some(queries.scan(study).counts) == {}

    with django_assert_num_queries(2):
        queries.scan(study)
    rewrite(study.comparisons.first().candidate, "")

    assert some(queries.scan(study).counts) == {"empty": 1}


def test_a_first_look_takes_the_same_number_of_questions_for_any_number_of_pairs(django_assert_num_queries):
    for number in (1, 3):
        study = factories.ready_study(prompts=number)
        with django_assert_num_queries(7):
            queries.scan(study)
