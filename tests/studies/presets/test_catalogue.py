"""Every preset imports, and is what it says it is."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from generation.spec import Negative
from studies.analysis.answers import is_right
from studies.domain.designs import planned_pairs
from studies.domain.errors import StudyError
from studies.domain.wanted import wanted_counts
from studies.files.reader import read_study
from studies.presets.catalogue import FOLDER, PRESETS, import_preset, preset_file
from studies.presets.crossing import crossed, read_parts

FULL = "stay-on-topic-full"


def entry(name, **options):
    return read_study(preset_file(name, **options), name=f"{name}.yaml")


@pytest.mark.django_db
@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_imports_under_its_name_and_exports_as_itself(name):
    study = import_preset(name, actor="ada")

    assert (study.slug, study.status) == (name, "draft")
    assert import_preset(name, actor="ada") == study
    assert study.created_by is None


def test_the_presets_hold_every_family_of_prompts():
    families = {prompt.family for name in PRESETS for prompt in entry(name).prompts}

    assert families == {"chat", "plain", "chain_of_thought", "long_text"}


def test_several_turns_have_several_turns_and_an_instruction_for_guidance_to_strengthen():
    roles = {tuple(turn["role"] for turn in one.conversation()) for one in entry("several-turns").prompts}

    assert roles == {("system", "user", "assistant", "user")}


def test_every_chain_of_thought_has_a_right_answer_that_counts_as_right():
    thoughts = entry("chain-of-thought")

    assert thoughts.answer_marker == "Answer:"
    assert all(is_right(prompt.answer, prompt.answer) for prompt in thoughts.prompts)
    # Examples show the form: a small checkpoint that is only told of it hardly ever writes an answer's line.
    shown = [turn["content"] for one in thoughts.prompts for turn in one.conversation()[:-1]]
    assert sum("\nAnswer: " in text for text in shown) == 2 * len(thoughts.prompts)


def test_the_full_study_has_the_papers_scales_a_control_and_a_matched_temperature():
    full = entry(FULL)

    scales = [arm.guidance_scale for arm in full.arms if not arm.baseline]
    assert scales == [1, 1.5, 2, 3, 4, 5, 6, 1]
    assert [arm.name for arm in full.arms if arm.control] == ["scale 1"]
    assert {arm.negative for arm in full.arms if arm.guidance_scale != 1} == {Negative.DEFAULT_SYSTEM}
    matched, baseline = full.arms[-1], full.arms[0]
    assert 0 < matched.temperature < baseline.temperature
    assert (full.comparisons, full.draws) == ("drawn", "independent")


def test_the_full_study_crosses_25_system_with_46_user_prompts():
    systems, users = read_parts(FOLDER / FULL)
    whole = entry(FULL, take=None)

    assert (len({row["system"] for row in systems}), len({row["user"] for row in users})) == (25, 46)
    assert len(whole.prompts) == PRESETS[FULL].whole == 25 * 46
    assert len({(prompt.system, prompt.user) for prompt in whole.prompts}) == 1_150
    assert {row["stratum"] for row in systems} == {"persona", "tone", "format"}


@pytest.mark.parametrize("take", [1, 24, 25, 46, 400, 1_149, 1_150])
def test_a_sample_has_every_system_and_every_user_prompt_equally_often_within_one(take):
    systems, users = read_parts(FOLDER / FULL)

    chosen = crossed(systems, users, take=take, seed=3)

    assert len({(system["id"], user["id"]) for system, user in chosen}) == take
    for part, rows in ((0, systems), (1, users)):
        times = Counter(pair[part]["id"] for pair in chosen)
        counted = [times[row["id"]] for row in rows]
        assert max(counted) - min(counted) <= 1


def test_a_sample_follows_from_its_seed():
    systems, users = read_parts(FOLDER / FULL)
    samples = [crossed(systems, users, take=50, seed=seed) for seed in (1, 1, 2)]

    assert samples[0] == samples[1]
    assert samples[0] != samples[2]


def test_lists_of_lengths_with_a_common_divisor_cannot_be_crossed_evenly():
    rows = [{"id": str(number)} for number in range(4)]

    with pytest.raises(ValueError, match="common divisor"):
        crossed(rows, rows[:2], take=2, seed=1)


def test_each_combination_gets_one_drawn_scale_and_all_scales_come_equally_often():
    full = entry(FULL)

    plan = planned_pairs("drawn", arms=len(full.arms), baseline=0, units=len(full.prompts), seed=full.seed)

    assert Counter(candidate for ((candidate, _),) in plan) == dict.fromkeys(range(1, 9), 50)
    by_system: dict[str, set[int]] = {}
    for prompt, ((candidate, _),) in zip(full.prompts, plan, strict=True):
        by_system.setdefault(prompt.system, set()).add(candidate)
    assert min(map(len, by_system.values())) == 8


@pytest.mark.django_db
def test_the_default_size_asks_for_two_completions_per_combination():
    study = import_preset(FULL, actor="ada")

    assert sum(wanted_counts(study).values()) == 2 * PRESETS[FULL].take == 800


@pytest.mark.parametrize(
    ("name", "take", "told"),
    [
        ("nothing", 0, "There is no preset “nothing”. Presets: stay-on-topic, "),
        (FULL, 1_151, "there are 1150 combinations: take 1 to 1150"),
        ("plain-text", 5, "no crossing"),
        ("plain-text", None, "no crossing"),
    ],
)
def test_what_cannot_be_taken_is_said(name, take, told):
    with pytest.raises(StudyError, match=told):
        preset_file(name, take=take)


def run(*words):
    out = StringIO()
    call_command("study", *map(str, words), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_lists_presets_imports_them_and_writes_their_files(tmp_path):
    listed = run("presets")
    imported = run("preset", FULL, "--take", 50)
    run("preset", "plain-text", "--out", tmp_path / "plain.yaml")

    assert [line.split()[0] for line in listed.splitlines()] == list(PRESETS)
    assert imported.startswith(f"imported: {FULL} (50 prompts, 9 arms). Next: manage.py study generate")
    assert (tmp_path / "plain.yaml").read_bytes() == preset_file("plain-text")
    with pytest.raises(CommandError, match="There is no preset"):
        run("preset", "nothing")


@pytest.mark.django_db
def test_the_dashboard_lists_presets_and_imports_one(dashboard):
    page = dashboard.get("/import/").content.decode()
    done = dashboard.post("/import/plain-text/", follow=True).content.decode()
    wrong = dashboard.post("/import/nothing/", follow=True).content.decode()

    assert all(name in page for name in PRESETS)
    assert "“plain-text” is imported." in done
    assert "There is no preset “nothing”" in wrong
