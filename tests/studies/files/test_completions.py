"""Completions that were written elsewhere."""

import json

import pytest
from django.core.management import CommandError, call_command

from generation.models import Checkpoint, Completion
from studies.domain import lifecycle
from studies.domain.errors import StudyError
from studies.files.completions import UNKNOWN, CompletionsError, import_completions
from studies.files.errors import StudyFileError
from studies.models import AuditEvent
from tests.factories import ArmFactory, draft_study, open_study

pytestmark = pytest.mark.django_db


def row(prompt="prompt-0", arm="guided", **more):
    return {"prompt": prompt, "arm": arm, "text": f"{arm} on {prompt}"} | more


def take(study, tmp_path, rows, name="c.jsonl"):
    path = tmp_path / name
    path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(one) + "\n" for one in rows))
    return import_completions(study, path, actor="ada")


def everything(study):
    return [row(prompt.name, arm.name) for prompt in study.prompts.all() for arm in study.arms.all()]


def test_rows_become_finished_completions(tmp_path):
    study = draft_study(prompts=1)

    number = take(study, tmp_path, [row(token_ids=[5, 6], seconds=1.5, provenance={"engine": "vllm 1"})])

    completion = Completion.objects.get()
    assert number == 1
    assert (completion.text, completion.status) == ("guided on prompt-0", "done")
    assert (completion.token_count, completion.seconds) == (2, 1.5)
    assert completion.provenance == {"engine": "vllm 1"}
    assert completion.request["noise"]["prompt"] == "prompt-0"


def test_provenance_that_is_not_given_is_marked_unknown(tmp_path):
    take(draft_study(prompts=1), tmp_path, [row()])

    assert Completion.objects.get().provenance == UNKNOWN


def test_csv_does_as_well(tmp_path):
    text = 'prompt,arm,text,token_count\nprompt-0,guided,"Aye, the sea",4\nprompt-0,standard,The sea,\n'

    assert take(draft_study(prompts=1), tmp_path, text, name="c.csv") == 2
    assert list(Completion.objects.order_by("token_count").values_list("text", flat=True)) == [
        "The sea",
        "Aye, the sea",
    ]


def test_study_with_all_of_them_is_ready_once_generation_starts(tmp_path):
    study = draft_study(prompts=2)
    take(study, tmp_path, everything(study))

    study = lifecycle.settle(lifecycle.start_generation(study=study, actor="ada"))

    assert study.status == "ready"
    assert study.comparisons.count() == 2


def test_no_worker_is_asked_for_an_arm_that_is_given(tmp_path):
    study = draft_study(prompts=2, arms=("standard",))
    people = Checkpoint.objects.create(name="given:people", source="given:people")
    ArmFactory(study=study, name="people", checkpoint=people, position=1)

    study = lifecycle.start_generation(study=study, actor="ada")

    assert set(Completion.objects.values_list("arm_key", flat=True)) == {study.arms.get(name="standard").key}
    assert lifecycle.missing_completions(study, given=True) == 2
    take(study, tmp_path, [row("prompt-0", "people"), row("prompt-1", "people")])
    assert lifecycle.missing_completions(study, given=True) == 0
    assert lifecycle.missing_completions(study) == 2


def test_failed_completion_is_replaced(tmp_path):
    study = lifecycle.start_generation(study=draft_study(prompts=1), actor="ada")
    Completion.objects.update(status="failed", error="It broke.")

    take(study, tmp_path, [row()])

    assert sorted(Completion.objects.values_list("status", flat=True)) == ["done", "failed"]


def test_import_is_logged_with_the_hash_of_the_file(tmp_path):
    study = draft_study(prompts=1)

    take(study, tmp_path, [row()])

    event = AuditEvent.objects.get(action="completions.imported")
    assert (event.actor, event.after["count"], len(event.after["sha256"])) == ("ada", 1, 64)


MISTAKES = {
    "unknown prompt": ([row("prompt-9")], "line 1: the study has no prompt “prompt-9”, arm “guided”"),
    "unknown arm": ([row(arm="best")], "line 1: the study has no prompt “prompt-0”, arm “best”"),
    "replicate beyond the plan": ([row(replicate=1)], "line 1: the study has no .*replicate 1"),
    "twice": ([row(), row()], "line 2: prompt “prompt-0”, arm “guided”, replicate 0 is on line 1 already"),
    "no text": ([{"prompt": "prompt-0", "arm": "guided"}], "line 1: text is missing"),
    "unknown key": ([row(model="x")], "line 1: model unknown key"),
    "unknown reason": ([row(finish_reason="tired")], "line 1: finish_reason 'tired' will not do"),
    "not a number": ([row(seconds="long")], "line 1: seconds 'long' is not a number"),
    "not JSON": ('{"prompt": \n', "line 1: this line is not JSON"),
    "nothing": ("", "line 1: the file holds no completion"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_named_with_its_line_and_nothing_is_imported(tmp_path, mistake):
    rows, told = MISTAKES[mistake]

    with pytest.raises(StudyFileError, match=told):
        take(draft_study(prompts=1), tmp_path, rows)

    assert not Completion.objects.exists()


def test_several_mistakes_are_listed(tmp_path):
    rows = [row("prompt-0"), *(row(f"none-{number}") for number in range(8))]

    with pytest.raises(StudyFileError, match=r"line 2: .*; line 6: .*; and 3 more lines") as error:
        take(draft_study(prompts=1), tmp_path, rows)

    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.jsonl", '{"prompt": "prompt-0"\n{"prompt": "none", "arm": "guided", "text": "x"}\n[1]\n'),
        ("c.csv", "prompt,arm,text\nprompt-0,guided\nnone,guided,x\nprompt-0\n"),
    ],
)
def test_lines_that_are_no_rows_hide_no_other_mistake(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    with pytest.raises(CompletionsError) as error:
        import_completions(draft_study(prompts=1), tmp_path / name, actor="ada")

    first = 1 if name == "c.jsonl" else 2
    assert [line for line, _ in error.value.wrong] == [first, first + 1, first + 2]
    assert error.value.wrong[1][1].startswith("the study has no prompt “none”")
    assert not Completion.objects.exists()


def test_the_command_lists_every_line_that_is_to_be_mended(tmp_path, capsys):
    study = draft_study(prompts=1)
    rows = [row(f"none-{number}") for number in range(8)]
    path = tmp_path / "c.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rows))

    with pytest.raises(CommandError, match="and 3 more lines"):
        call_command("study", "import-completions", study.slug, str(path))

    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == [f"line {number}" for number in range(1, 9)]


def test_completion_that_is_there_is_not_overwritten(tmp_path):
    study = draft_study(prompts=1)
    take(study, tmp_path, [row()])

    with pytest.raises(StudyFileError, match="has a completion already"):
        take(study, tmp_path, [row(text="Another.")])

    assert Completion.objects.get().text == "guided on prompt-0"


def test_open_study_takes_none(tmp_path):
    study = open_study(comparisons=1)

    with pytest.raises(StudyError, match="is open; completions are taken before that"):
        take(study, tmp_path, [row()])


def test_other_kinds_of_file_are_refused(tmp_path):
    with pytest.raises(StudyFileError, match=r"neither \.jsonl nor \.csv"):
        take(draft_study(prompts=1), tmp_path, "x", name="c.txt")
