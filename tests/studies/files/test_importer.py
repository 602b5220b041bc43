from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from studies.analysis.plan import plan_from
from studies.domain.errors import PlanFrozenError, StudyError
from studies.domain.lifecycle import start_generation
from studies.files.errors import StudyFileError
from studies.files.importer import import_path, import_study
from studies.files.schema import AnalysisEntry
from studies.files.writer import _PARTS, _ordered, export_study
from studies.models import AuditEvent, Study
from studies.presets.load import FOLDER
from tests.factories import draft_study, open_study

pytestmark = pytest.mark.django_db
PRESET = (FOLDER / "stay-on-topic.yaml").read_bytes()


def imported(data, name="a.yaml"):
    return import_study(data if isinstance(data, bytes) else data.encode(), name=name, actor="ada")


def renamed(text, slug):
    first, _, rest = text.partition("study: ")
    return f"{first}study: {slug}\n" + rest.split("\n", 1)[1]


def test_preset_becomes_a_draft_with_all_its_parts():
    study = imported(PRESET)

    assert (study.status, study.overlap, study.quota, study.seed) == ("draft", 4, 12, 20230630)
    assert study.prompts.count() == 24
    assert list(study.criteria.values_list("name", "primary")) == [("instruction", True), ("message", False)]
    assert [(arm.name, arm.baseline, arm.decoding.guidance_scale) for arm in study.arms.all()] == [
        ("standard", True, 1.0),
        ("guided", False, 1.5),
    ]


def test_export_of_an_import_is_the_same_bytes_ever_after():
    first = export_study(imported(PRESET))

    again = export_study(imported(renamed(first, "copy")))

    assert renamed(again, "stay-on-topic") == first


def test_checks_and_repeats_are_kept_and_written_again():
    given = PRESET.replace(b"criteria:", b"checks: {mismatched: 1, shuffled: 0}\nrepeats: 2\ncriteria:", 1)

    study = imported(given)

    assert (study.checks, study.repeats) == ({"mismatched": 1}, 2)
    assert "checks:\n  mismatched: 1\nrepeats: 2\n" in export_study(study)


ANALYSIS = b"""\
analysis:
  margin: 0.05
  alpha: 0.05
  multiplicity: gatekeeping
  interim: {looks: 3, method: group_sequential}
  expected: {win_rate: 0.6, annotators: 40, tie_rate: 0.0}
criteria:"""


def test_the_plan_of_the_analysis_is_kept_without_its_defaults_and_written_again():
    study = imported(PRESET.replace(b"criteria:", ANALYSIS, 1))
    again = imported(renamed(export_study(study), "copy"))

    assert (
        study.analysis
        == again.analysis
        == {
            "margin": 0.05,
            "multiplicity": "gatekeeping",
            "interim": {"method": "group_sequential", "looks": 3},
            "expected": {"win_rate": 0.6, "annotators": 40},
        }
    )


def test_the_file_and_the_analysis_have_the_same_defaults():
    assert AnalysisEntry().model_dump() == asdict(plan_from({}))


STEPS = b"""\
quality: {same_answer_share: 0.9, median_active_ms: 900}
recruiting: {done: C1, no_consent: C3, return_link: "https://a.example/?cc={code}"}
survey:
  - {name: age, question: Age?, kind: number, least: 18, required: false}
  - {name: tools, question: Which?, kind: multiple, options: [Pen, Keyboard]}
practice:
  - prompt: Be brief.
    a: Yes.
    b: Well now.
    better: A
    feedback: A is shorter.
comprehension:
  - question: What counts?
    options: [Length, Fit]
    answer: Fit
criteria:"""


def test_written_checks_reasons_and_differences_are_kept_and_written_again():
    parts = """checks:
  shuffled: 1
  written:
    - {prompt: What is 2 + 2?, better: Four., worse: A fish.}
differences: true
reasons: {options: [Shorter, Clearer], required: true}
repeats: 1
quality: {self_agreement: 0.5, others_agreement: 0.4}
"""
    study = imported(renamed(PRESET.decode(), "first") + "\n" + parts)
    again = imported(renamed(export_study(study), "second"))

    assert (study.checks, study.differences) == ({"shuffled": 1, "written": 1}, True)
    for name in ("checks", "written_checks", "differences", "reasons", "quality"):
        assert getattr(again, name) == getattr(study, name), name
    assert again.written_checks == [{"prompt": "What is 2 + 2?", "better": "Four.", "worse": "A fish."}]


def test_practice_comprehension_and_survey_are_kept_and_written_again():
    study = imported(PRESET.replace(b"criteria:", STEPS, 1))
    again = imported(renamed(export_study(study), "copy"))

    assert (
        study.practice
        == again.practice
        == [
            {"prompt": "Be brief.", "a": "Yes.", "b": "Well now.", "better": "A", "feedback": "A is shorter."}
        ]
    )
    assert study.recruiting == {
        "done": "C1",
        "no_consent": "C3",
        "return_link": "https://a.example/?cc={code}",
    }
    assert study.recruiting == again.recruiting
    assert study.quality == again.quality == {"same_answer_share": 0.9, "median_active_ms": 900}
    assert (
        study.survey
        == again.survey
        == [
            {"name": "age", "question": "Age?", "kind": "number", "least": 18, "required": False},
            {"name": "tools", "question": "Which?", "kind": "multiple", "options": ["Pen", "Keyboard"]},
        ]
    )
    assert (
        study.comprehension
        == again.comprehension
        == [{"question": "What counts?", "options": ["Length", "Fit"], "answer": "Fit"}]
    )


@pytest.mark.parametrize("design", ["all_pairs", "balanced"])
def test_the_design_survives_import_and_export(design):
    study = imported(PRESET.decode().replace("seed:", f"comparisons: {design}\nseed:", 1))

    assert study.design == design
    assert f"comparisons: {design}" in export_study(study)


LINES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60
).filter(str.strip)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(consent=LINES, instructions=LINES)
@example(consent="0\x85", instructions="a\r\nb\u2028c\u2029\n")
@example(consent="# no\n", instructions=" - a: b\n\n\n")
def test_any_text_survives_the_round_trip(consent, instructions):
    study = draft_study(prompts=2)
    Study.objects.filter(pk=study.pk).update(consent=consent, instructions=instructions)
    study.refresh_from_db()

    text = export_study(study)
    copy = imported(renamed(text, f"{study.slug}-copy"))

    assert (copy.consent, copy.instructions) == (consent, instructions)
    assert renamed(export_study(copy), study.slug) == text


def test_import_over_a_draft_replaces_its_content():
    first = imported(PRESET)

    second = imported(PRESET.replace(b"overlap: 4", b"overlap: 2"))

    assert second.pk == first.pk
    assert Study.objects.get().overlap == 2
    assert second.prompts.count() == 24


def test_import_of_what_is_there_changes_nothing():
    study = imported(PRESET)
    start_generation(study=study, actor="ada")

    again = imported(PRESET)

    assert again.pk == study.pk
    assert AuditEvent.objects.filter(action="study.imported").count() == 1


def test_import_over_a_generating_study_is_refused():
    start_generation(study=imported(PRESET), actor="ada")

    with pytest.raises(StudyError, match="has completions already"):
        imported(PRESET.replace(b"overlap: 4", b"overlap: 2"))


def test_import_over_a_frozen_plan_is_refused_and_logged():
    study = open_study(comparisons=2)
    changed = export_study(study).replace("overlap: 2", "overlap: 8")

    with pytest.raises(PlanFrozenError, match="was frozen when it opened"):
        imported(changed)

    event = AuditEvent.objects.get(action="plan.change_refused")
    assert event.after == {"wanted": "import of a.yaml"}
    assert Study.objects.get(pk=study.pk).overlap == 2


def test_bad_file_imports_nothing():
    with pytest.raises(StudyFileError):
        imported(PRESET.replace(b"guidance_scale: 1.5", b"guidance_scale: lots"))

    assert not Study.objects.exists()


def test_unknown_checkpoint_is_named_and_nothing_is_imported():
    with pytest.raises(StudyFileError, match=r"a\.yaml, arms\[0\]\.checkpoint: .*gpt-9"):
        imported(PRESET.replace(b"smollm2-135m-instruct", b"gpt-9"))

    assert not Study.objects.exists()


def test_file_is_imported_with_the_prompts_beside_it(tmp_path):
    head = PRESET.decode().split("prompts:\n")[0]
    (tmp_path / "a.yaml").write_text(head + "prompts:\n  file: p.csv\n")
    (tmp_path / "p.csv").write_text("id,system,user\nocean,Pirate.,The ocean?\n")

    study = import_path(tmp_path / "a.yaml", actor="ada")

    assert [prompt.turns[1].content for prompt in study.prompts.all()] == ["The ocean?"]


def test_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)

    with pytest.raises(StudyFileError, match="the file has 50 MB"):
        import_path(path, actor="ada")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(StudyFileError, match="No such file"):
        import_path(tmp_path / "none.yaml", actor="ada")


@pytest.mark.parametrize("part", _PARTS, ids=lambda part: part.__name__)
def test_an_exported_file_keeps_the_order_of_the_schema(part):
    keys = list(part.model_fields)

    assert list(_ordered(dict.fromkeys(reversed(keys)))) == keys
