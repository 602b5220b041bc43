"""A draft edited section by section says afterwards what it said before, but for what was changed."""

import pytest

from generation.models import Completion
from studies.domain.errors import StudyError
from studies.files.cloning import copy_study
from studies.files.editing import (
    SECTIONS,
    SectionError,
    create_study,
    read_section,
    section_data,
    section_text,
    store_section,
)
from studies.files.errors import StudyFileError
from studies.files.importer import import_study
from studies.files.schema import StudyEntry
from studies.files.writer import export_study
from studies.models import AuditEvent
from studies.presets.catalogue import preset_file
from tests.factories import complete, draft_study, open_study

pytestmark = pytest.mark.django_db


def test_the_sections_hold_every_key_of_the_file_once():
    keys = [key for section in SECTIONS.values() for key in section.keys]

    assert sorted(keys) == sorted(set(StudyEntry.model_fields) - {"evenhand", "study"})


@pytest.mark.parametrize("name", ["several-turns", "chain-of-thought"])
def test_a_section_written_as_text_and_read_again_says_the_same(name):
    study = import_study(preset_file(name), name=f"{name}.yaml", actor="ada")

    for section in SECTIONS.values():
        data = section_data(study, section)

        assert read_section(section_text(data), section) == data


def test_a_section_is_stored_and_the_others_stay_as_they_are():
    study = import_study(preset_file("stay-on-topic"), name="s.yaml", actor="ada")
    before = export_study(study)

    data = section_data(study, SECTIONS["collection"]) | {"overlap": 4}
    store_section(study, SECTIONS["collection"], data, actor="ada")

    study.refresh_from_db()
    overlap = f"overlap: {section_data(study, SECTIONS['collection'])['overlap']}\n"
    assert overlap == "overlap: 4\n"
    assert export_study(study).replace(overlap, "") == "".join(
        line for line in before.splitlines(keepends=True) if not line.startswith("overlap:")
    )


def test_all_that_is_wrong_is_told_at_once_with_its_field():
    study = draft_study()
    data = {"overlap": 0, "quota": "many"}

    with pytest.raises(SectionError) as raised:
        store_section(study, SECTIONS["collection"], data, actor="ada")

    assert sorted(problem.field for problem in raised.value.problems) == ["overlap", "quota"]


def test_completions_stay_when_nothing_that_they_answer_changes_and_go_when_it_does():
    study = draft_study(prompts=2)
    complete(study)
    basics, prompts = SECTIONS["basics"], SECTIONS["prompts"]

    store_section(study, basics, section_data(study, basics) | {"title": "Another"}, actor="ada")
    kept = Completion.objects.filter(batch_key=study.key).count()
    store_section(study, prompts, {"prompts": section_data(study, prompts)["prompts"][:1]}, actor="ada")

    assert kept == 4
    assert not Completion.objects.filter(batch_key=study.key).exists()


def test_storing_what_is_there_already_leaves_no_trace_in_the_log():
    study = draft_study()
    basics = SECTIONS["basics"]

    store_section(study, basics, section_data(study, basics), actor="ada")

    assert not AuditEvent.objects.filter(study=study, action="study.imported").exists()


def test_an_open_study_refuses_to_be_edited():
    study = open_study()
    basics = SECTIONS["basics"]

    with pytest.raises(StudyError, match="frozen"):
        store_section(study, basics, section_data(study, basics) | {"title": "Another"}, actor="ada")


def test_a_key_of_another_section_is_refused_by_name():
    with pytest.raises(SectionError, match="overlap: belongs to no line of this section"):
        read_section("title: Sea\noverlap: 2\n", SECTIONS["basics"])


def test_text_that_is_no_yaml_names_its_line():
    with pytest.raises(StudyFileError, match="line 2"):
        read_section("title: Sea\n  x: [\n", SECTIONS["basics"])


def test_a_name_that_is_taken_is_told_beside_the_name(researcher):
    study = draft_study()

    with pytest.raises(SectionError) as raised:
        create_study({"study": study.slug}, actor="ada", owner=researcher)

    assert raised.value.problems[0].field == "study"


def test_a_copy_says_the_same_and_takes_the_completions_along(researcher):
    study = draft_study(prompts=2)
    complete(study)

    made, number = copy_study(study, name="again", completions=True, actor="ada", owner=researcher)

    assert number == 4
    texts = [
        sorted(Completion.objects.filter(batch_key=key).values_list("text", flat=True))
        for key in (study.key, made.key)
    ]
    assert texts[0] == texts[1]
    assert export_study(made) == export_study(study).replace(f"study: {study.slug}", "study: again")


def test_the_completions_of_a_running_study_are_not_copied(researcher):
    study = open_study()

    with pytest.raises(StudyError, match="until the study is closed"):
        copy_study(study, name="again", completions=True, actor="ada", owner=researcher)
