"""The study editor: forms made of the file's schema, stored by the file's own check."""

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from lxml import html

from studies.files.editing import SECTIONS, section_data
from studies.files.importer import import_path, import_study
from studies.files.writer import export_study
from studies.models import Study
from studies.presets.catalogue import preset_file
from tests.factories import draft_study

pytestmark = pytest.mark.django_db

EVERYTHING = Path(__file__).parents[1] / "files" / "everything.yaml"
FORMS = [name for name in SECTIONS if name != "prompts"]


def page(dashboard, study, name, query=""):
    return dashboard.get(f"/studies/{study.slug}/edit/{name}/{query}").content.decode()


def sent(text, form_id="section"):
    """Return what a browser would send of a form.

    As the HTML standard has it: the line break right behind a textarea's tag is no part of its text, and all
    the others are sent as CR LF.
    """
    form = html.fromstring(text).get_element_by_id(form_id)
    areas = {area.name for area in form.iter("textarea")}
    return {
        name: re.sub("\r\n?|\n", "\r\n", value.removeprefix("\n") if name in areas else value)
        for name, value in form.form_values()
    }


def post(dashboard, study, name, data):
    return dashboard.post(f"/studies/{study.slug}/edit/{name}/", data)


def untouched(dashboard, study):
    """Store every section as it is shown; return what is said to be wrong."""
    answers = [post(dashboard, study, name, sent(page(dashboard, study, name))) for name in FORMS]
    return [
        error.text_content()
        for answer in answers
        if answer.status_code != 302
        for error in html.fromstring(answer.content.decode()).xpath(
            "//*[contains(@class, 'field__error') or contains(@class, 'notice--bad')]"
        )
    ]


def test_every_section_stored_untouched_leaves_the_file_as_it_was(dashboard):
    study = import_study(preset_file("stay-on-topic"), name="s.yaml", actor="ada")
    before = export_study(study)

    wrong = untouched(dashboard, study)

    assert wrong == []
    assert export_study(Study.objects.get(pk=study.pk)) == before


def test_everything_the_file_can_say_survives_the_forms(dashboard):
    study = import_path(EVERYTHING, actor="ada")
    before = export_study(study)

    wrong = untouched(dashboard, study)

    assert wrong == []
    assert export_study(Study.objects.get(pk=study.pk)) == before


def test_a_wrong_value_is_told_beside_its_field_and_nothing_is_lost(dashboard):
    study = draft_study()
    data = sent(page(dashboard, study, "collection")) | {"overlap": "two", "quota": "12"}

    response = post(dashboard, study, "collection", data)

    tree = html.fromstring(response.content.decode())
    field = tree.get_element_by_id("f-overlap")
    told = tree.get_element_by_id(field.get("aria-describedby"))
    assert response.status_code == 422
    assert (field.get("value"), field.get("aria-invalid")) == ("two", "true")
    assert [error.text for error in told.find_class("field__error")] == ["'two' is not a number"]
    assert tree.get_element_by_id("f-quota").get("value") == "12"


def test_a_problem_of_another_section_is_told_above_the_form(dashboard):
    study = draft_study(prompts=2)
    data = sent(page(dashboard, study, "checks")) | {"checks.shuffled": "9"}

    response = post(dashboard, study, "checks", data)

    assert "asks for 9 checks, but there are only 2 pairs" in response.content.decode()


def test_rows_are_added_moved_and_removed_without_a_script(dashboard):
    study = draft_study()
    data = sent(page(dashboard, study, "criteria"))

    added = post(dashboard, study, "criteria", data | {"rows": "add criteria"})
    filled = sent(added.content.decode()) | {"criteria[1].name": "calm", "criteria[1].question": "Calmer?"}
    moved = post(dashboard, study, "criteria", filled | {"rows": "up criteria[1]"})
    stored = post(dashboard, study, "criteria", sent(moved.content.decode()))

    assert stored.status_code == 302
    assert list(study.criteria.values_list("name", flat=True)) == ["calm", "overall"]


def test_a_section_that_somebody_stored_meanwhile_is_not_overwritten_unasked(dashboard):
    study = draft_study()
    mine = sent(page(dashboard, study, "basics")) | {"title": "Mine"}
    post(dashboard, study, "basics", mine | {"title": "Theirs"})

    refused = post(dashboard, study, "basics", mine)
    again = post(dashboard, study, "basics", sent(refused.content.decode()))

    study.refresh_from_db()
    assert "Somebody stored this section meanwhile" in refused.content.decode()
    assert (refused.status_code, again.status_code, study.title) == (422, 302, "Mine")


def test_a_section_is_edited_as_text_too(dashboard):
    study = draft_study()
    data = sent(page(dashboard, study, "collection", "?as=text"))

    stored = post(dashboard, study, "collection", data | {"section-text": "overlap: 4\r\nquota: 7\r\n"})
    wrong = post(
        dashboard,
        study,
        "collection",
        sent(page(dashboard, study, "collection", "?as=text")) | {"section-text": "quotta: 7"},
    )

    assert stored.status_code == 302
    assert section_data(Study.objects.get(pk=study.pk), SECTIONS["collection"])["quota"] == 7
    assert (wrong.status_code, "quotta" in wrong.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "collection",
            "overlap: 2\n\nquota: many\n",
            "Collection, line 3, quota: 'many' is not a number",
        ),
        (
            "criteria",
            "criteria:\n- name: calm\n  question: Calmer?\n  scale: tie\n- name: kind\n  scale: tie\n",
            "Criteria, line 5, criteria[1].question: is missing",
        ),
        ("collection", "overlap: 2\nquotta: 3\n", "Collection, line 2, quotta: belongs to no line"),
        ("collection", "overlap: 2\noverlap: 3\n", "Collection, line 2, overlap: the key appears a second"),
        ("collection", "overlap: [\n", "Collection, line 2: this is not YAML"),
        (
            "arms",
            "arms:\n- name: one\n  baseline: true\n  checkpoint: tiny\n- name: two\n  checkpoint: nowhere\n",
            "Arms, line 6, arms[1].checkpoint: there is no checkpoint “nowhere”",
        ),
    ],
)
def test_what_is_wrong_in_a_text_is_told_with_its_line(dashboard, name, text, told):
    study = draft_study()
    data = sent(page(dashboard, study, name, "?as=text"))

    response = dashboard.post(f"/studies/{study.slug}/edit/{name}/?as=text", data | {"section-text": text})

    said = html.fromstring(response.content.decode()).find_class("notice--bad")[0].text_content()
    assert response.status_code == 422
    assert told in " ".join(said.split())


def test_what_concerns_another_section_has_no_line(dashboard):
    study = draft_study(prompts=2)
    data = sent(page(dashboard, study, "checks", "?as=text"))

    response = post(
        dashboard, study, "checks", data | {"section-text": "repeats: 0\nchecks:\n  shuffled: 9\n"}
    )

    assert "asks for 9 checks, but there are only 2 pairs" in response.content.decode()


def test_a_study_from_nothing_is_a_valid_draft(dashboard):
    data = {
        "title": "Sea talk",
        "study": "sea-talk",
        "question": "Which is better?",
        "source": "given",
        "prompts": "Tell me about the sea.\r\nAnd the wind?",
        "shape": "lines",
    }

    response = dashboard.post("/new/", data)

    study = Study.objects.get(slug="sea-talk")
    assert response["Location"] == "/studies/sea-talk/edit/"
    assert [prompt.name for prompt in study.prompts.all()] == ["p1", "p2"]


NEW = {
    "title": "Sea talk",
    "study": "sea-talk",
    "question": "Which is better?",
    "prompts": "Tell me about the sea.\r\nAnd the wind?",
    "shape": "lines",
}


def test_a_new_study_guides_the_checkpoint_and_strengthens_the_instruction_that_it_is_given(dashboard):
    said = {"checkpoint": "smollm2-135m-instruct", "guidance_scale": "3", "system": "Answer as a pirate."}

    dashboard.post("/new/", NEW | said | {"source": "checkpoint"})

    study = Study.objects.get(slug="sea-talk")
    arms = [(arm.name, arm.decoding.guidance_scale, arm.baseline) for arm in study.arms.all()]
    assert arms == [("standard", 1, True), ("guided", 3, False)]
    assert {prompt.messages[0]["content"] for prompt in study.prompts.all()} == {"Answer as a pirate."}


def test_a_new_study_compares_two_models_of_a_server(dashboard):
    said = {"base_url": "http://localhost:8000/v1", "baseline_model": "small", "candidate_model": "large"}

    dashboard.post("/new/", NEW | said | {"source": "endpoint"})

    study = Study.objects.get(slug="sea-talk")
    assert [(arm.name, arm.checkpoint.called.model) for arm in study.arms.all()] == [
        ("baseline", "small"),
        ("candidate", "large"),
    ]


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("checkpoint", ["checkpoint", "guidance_scale", "system"]),
        ("endpoint", ["base_url", "baseline_model", "candidate_model"]),
    ],
)
def test_a_new_study_asks_for_what_its_source_needs(dashboard, source, needed):
    response = dashboard.post("/new/", NEW | {"source": source})

    assert (response.status_code, list(response.context["form"].errors)) == (422, needed)


def test_a_new_study_tells_beside_the_name_what_is_wrong_with_it(dashboard):
    data = {
        "title": "Sea",
        "study": "Sea Talk",
        "question": "Q?",
        "source": "given",
        "prompts": "x",
        "shape": "lines",
    }

    response = dashboard.post("/new/", data)

    assert response.status_code == 422
    assert response.context["form"].errors["study"] == [
        "study: 'Sea Talk' is no name; use letters, digits and hyphens"
    ]


def test_prompts_are_pasted_in_blocks_and_uploaded(dashboard):
    study = draft_study(prompts=1)
    url = f"/studies/{study.slug}/edit/prompts/"
    table = SimpleUploadedFile("more.csv", b"id,user,stratum\nwind,Tell me about the wind.,air\n")

    dashboard.post(url, {"prompts": "One\r\ntwo\r\n\r\nThree", "shape": "blocks", "system": "Be calm."})
    dashboard.post(url, {"file": table, "shape": "lines"})

    rows = list(study.prompts.values_list("name", "messages", "stratum"))
    assert rows[1:] == [
        ("p1", [{"role": "system", "content": "Be calm."}, {"role": "user", "content": "One\ntwo"}], ""),
        ("p2", [{"role": "system", "content": "Be calm."}, {"role": "user", "content": "Three"}], ""),
        ("wind", [{"role": "user", "content": "Tell me about the wind."}], "air"),
    ]


def test_a_wrong_row_of_an_uploaded_file_is_told_with_its_line(dashboard):
    study = draft_study(prompts=1)
    table = SimpleUploadedFile("more.csv", b"id,user,system\na,Hello,\nb,,Be calm.\n")

    response = dashboard.post(f"/studies/{study.slug}/edit/prompts/", {"file": table, "shape": "lines"})

    assert response.context["form"].errors["file"] == [
        "line 3, user: there is a system instruction but no user message"
    ]


def test_the_prompts_of_a_preset_take_the_place_of_those_there(dashboard):
    study = draft_study(prompts=1)

    dashboard.post(
        f"/studies/{study.slug}/edit/prompts/", {"preset": "stay-on-topic", "replace": "on", "shape": "lines"}
    )

    assert study.prompts.count() == 24


def test_one_prompt_is_changed_and_removed(dashboard):
    study = draft_study(prompts=3)
    url = f"/studies/{study.slug}/edit/prompts/2/"
    form = sent(dashboard.get(url).content.decode(), "prompt")

    dashboard.post(url, form | {"prompts[1].user": "What is new?"})
    dashboard.post(f"/studies/{study.slug}/edit/prompts/1/remove/", {"id": "prompt-0"})
    stale = dashboard.post(f"/studies/{study.slug}/edit/prompts/1/remove/", {"id": "prompt-0"}, follow=True)

    assert study.prompts.first().messages[-1]["content"] == "What is new?"
    assert study.prompts.count() == 2
    assert "nothing was removed" in stale.content.decode()


def test_a_study_is_copied(dashboard):
    study = draft_study()

    response = dashboard.post(f"/studies/{study.slug}/copy/", {"study": "another"})

    assert response["Location"] == "/studies/another/"
    assert Study.objects.get(slug="another").prompts.count() == study.prompts.count()
