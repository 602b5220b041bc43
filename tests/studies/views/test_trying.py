"""The page that tries the arms: what is asked, how far it is, what stands side by side."""

import pytest
from lxml import html

from generation import runs
from generation.models import Completion, Worker
from studies.domain.trial import start_trial
from studies.queries.trial import trial_key, trial_of
from tests.factories import draft_study
from tests.generation.fakes import FakeGenerator

pytestmark = pytest.mark.django_db

PROMPT = "Answer as a pirate.Tell me about prompt-0."


def texts(response, path):
    return [
        " ".join(one.text_content().split()) for one in html.fromstring(response.content.decode()).xpath(path)
    ]


def test_the_first_three_are_asked_for_and_the_page_follows_them(dashboard):
    study = draft_study(prompts=5)
    url = f"/studies/{study.slug}/trial/"

    sent = dashboard.post(url, {"which": "first", "arms": ["standard", "guided"]}, follow=True)

    assert sent.redirect_chain == [(url, 302)]
    assert texts(sent, "//article//h2") == ["prompt-0", "prompt-1", "prompt-2"]
    part = html.fromstring(sent.content.decode()).get_element_by_id("trial")
    assert part.get("hx-get") == f"{url}progress/"
    assert "No worker has been seen" in sent.content.decode()
    assert "make worker" in sent.content.decode()


def test_both_arms_stand_side_by_side_with_settings_and_cost(dashboard):
    study = draft_study(prompts=1)
    start_trial(study=study, prompts=["prompt-0"], arms=["standard", "guided"], actor="ada")
    runs.run(study.arms.first().checkpoint, FakeGenerator(), seconds=60)

    part = dashboard.get(f"/studies/{study.slug}/trial/progress/")

    shown = texts(part, "//section[contains(@class, 'response--')]")
    # The fake writes the prompt of 42 letters backwards, an operation a letter, in a hundredth of a second.
    wrote = f"{PROMPT[::-1]} 42 tokens, cut off at the length limit, 0.0 s, 42 FLOP"
    assert shown == [
        f"standard Baseline γ 1, temperature 1 {wrote}",
        f"guided Candidate γ 1.5, temperature 1 {wrote}",
    ]
    assert "hx-get" not in part.content.decode()


def test_picked_prompts_are_tried_and_unknown_ones_told_beside_their_field(dashboard):
    study = draft_study(prompts=3)
    url = f"/studies/{study.slug}/trial/"
    data = {"which": "picked", "arms": ["guided"], "prompt_1": "prompt-2"}

    wrong = dashboard.post(url, data | {"prompt_2": "prompt-9"})
    dashboard.post(url, data)

    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["prompt_2"])
    assert [(one.prompt.name, one.tried[0].arm.name) for one in trial_of(study).prompts] == [
        ("prompt-2", "guided")
    ]


def test_why_nothing_can_be_written_is_shown(dashboard):
    study = draft_study(prompts=1)
    start_trial(study=study, prompts=["prompt-0"], arms=["standard"], actor="ada")
    checkpoint = study.arms.first().checkpoint
    checkpoint.status, checkpoint.error = "failed", "There is no folder /nowhere."
    checkpoint.save()

    page = dashboard.get(f"/studies/{study.slug}/trial/").content.decode()

    assert "tiny: There is no folder /nowhere." in page


def test_guidance_that_has_nothing_to_do_is_told(dashboard):
    study = draft_study(prompts=2)
    addresses = (f"/studies/{study.slug}/", f"/studies/{study.slug}/trial/")
    bare = [{"role": "user", "content": "Tell me about the sea."}]
    before = [dashboard.get(address).content.decode() for address in addresses]

    study.prompts.filter(name="prompt-1").update(messages=bare)

    told = "Guidance has nothing to do on 1 prompt"
    after = [dashboard.get(address).content.decode() for address in addresses]
    assert [told in page for page in (*before, *after)] == [False, False, True, True]


def test_what_was_tried_is_deleted_on_request(dashboard):
    study = draft_study(prompts=1)
    start_trial(study=study, prompts=["prompt-0"], arms=["standard"], actor="ada")

    dashboard.post(f"/studies/{study.slug}/trial/delete/")

    assert not Completion.objects.filter(batch_key=trial_key(study)).exists()


def test_arms_are_chosen_where_there_are_several(dashboard):
    two, three = draft_study(prompts=1), draft_study(prompts=1, arms=("standard", "low", "high"))

    pages = [dashboard.get(f"/studies/{study.slug}/trial/") for study in (two, three)]

    boxes = [texts(page, "//fieldset[legend='Which arms']//label") for page in pages]
    checked = html.fromstring(pages[1].content.decode()).xpath("//input[@name='arms'][@checked]/@value")
    assert boxes == [[], ["standard", "low", "high"]]
    assert checked == ["standard", "low"]


def test_the_page_says_nothing_of_workers_once_all_is_written(dashboard):
    study = draft_study(prompts=1)
    start_trial(study=study, prompts=["prompt-0"], arms=["standard"], actor="ada")
    runs.run(study.arms.first().checkpoint, FakeGenerator(), seconds=60)

    page = dashboard.get(f"/studies/{study.slug}/trial/").content.decode()

    assert Worker.objects.count() == 0
    assert "No worker has been seen" not in page
