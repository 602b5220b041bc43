"""`manage.py study`, as other programs rely on it."""

import json
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from generation.models import Completion
from studies.management import study_collect
from studies.models import Report, Study
from studies.presets.load import FOLDER
from studies.reports.render import FORMATS
from tests.factories import (
    AnnotatorFactory,
    closed_study,
    draft_study,
    judge,
    open_study,
    ready_study,
    reported,
)
from tests.studies.reports.kit import exclude

pytestmark = pytest.mark.django_db
PRESET = FOLDER / "stay-on-topic.yaml"


def study(*words):
    out = StringIO()
    call_command("study", *map(str, words), stdout=out)
    return out.getvalue()


def test_list_names_each_study_with_its_status():
    draft_study(slug="one")
    open_study(slug="two", simulated=True)

    lines = study("list").splitlines()

    assert [line.split()[:2] for line in lines] == [["one", "draft"], ["two", "open"]]
    assert "SIMULATED" in lines[1]
    assert "SIMULATED" not in lines[0]


def test_list_of_nothing_says_what_to_do():
    assert study("list") == "No studies yet. Import one: manage.py study import FILE\n"


def test_import_then_export_gives_a_file_that_imports():
    study("import", PRESET)

    text = study("export", "stay-on-topic")

    assert text.startswith("evenhand: 1\nstudy: stay-on-topic\n")
    assert "study: stay-on-topic" in study("export", "stay-on-topic")


def test_export_writes_a_file(tmp_path):
    study("import", PRESET)

    study("export", "stay-on-topic", "--out", tmp_path / "out.yaml")

    assert (tmp_path / "out.yaml").read_text() == study("export", "stay-on-topic")


def test_import_of_a_bad_file_is_one_line(tmp_path):
    (tmp_path / "bad.yaml").write_text("evenhand: 1\nstudie: x\n")

    with pytest.raises(CommandError, match=r"^bad\.yaml, line 2, studie: unknown key") as error:
        study("import", tmp_path / "bad.yaml")

    assert "\n" not in str(error.value)


def test_generate_asks_the_workers():
    study("import", PRESET)

    said = study("generate", "stay-on-topic")

    assert "48 completions" in said
    assert Completion.objects.filter(status="pending").count() == 48


def test_status_is_the_documented_object():
    running = open_study(slug="sea", comparisons=3, overlap=2)
    judge(running, annotator=AnnotatorFactory(study=running), number=2)

    assert json.loads(study("status", "sea", "--json")) == {
        "status": "open",
        "completions": {"total": 6, "done": 6, "failed": 0},
        "comparisons": 3,
        "slots": {"planned": 6, "leased": 0, "filled": 2},
        "judgments": 2,
        "annotators": 1,
    }


def test_status_for_people_has_the_same_numbers():
    open_study(slug="sea", comparisons=3, overlap=2)

    assert "slots:       planned 6, leased 0, filled 0" in study("status", "sea")


def test_status_moves_a_study_to_ready_when_all_is_there():
    generating = ready_study(slug="sea")
    assert json.loads(study("status", "sea", "--json"))["status"] == "ready"
    assert Study.objects.get(pk=generating.pk).status == "ready"


def test_open_pause_open_close():
    ready_study(slug="sea")

    said = [study(verb, "sea") for verb in ("open", "pause", "open", "close", "archive")]

    assert said == ["sea: open\n", "sea: paused\n", "sea: open\n", "sea: closed\n", "sea: archived\n"]


def test_move_that_cannot_be_is_one_line():
    draft_study(slug="sea")

    with pytest.raises(CommandError, match="“sea” is draft, so it cannot be opened"):
        study("open", "sea")


def test_unknown_study_is_named_with_those_there_are():
    draft_study(slug="sea")

    with pytest.raises(CommandError, match=r"There is no study “lake”\. Studies: sea\."):
        study("status", "lake")


def test_link_is_the_annotators_address(settings):
    settings.SITE_URL = "https://studies.example"
    running = open_study(slug="sea", comparisons=1)

    assert study("link", "sea") == f"https://studies.example/s/{running.invite}/\n"


def test_report_of_a_closed_study_is_written_in_every_format(tmp_path):
    closed_study(slug="sea", comparisons=3)

    for fmt in FORMATS:
        study("report", "sea", "--format", fmt, "--out", tmp_path / f"report.{fmt}")

    made = Report.objects.get()
    assert (made.number, made.state) == (1, "done")
    for file in made.files.filter(name__in=FORMATS):
        assert sha256((tmp_path / f"report.{file.name}").read_bytes()).hexdigest() == file.sha256


def test_a_report_made_before_is_written_by_its_number(tmp_path):
    sea = closed_study(slug="sea", comparisons=3)
    reported(sea, json="the first")
    exclude(sea, "annotator-0002")
    reported(sea, json="the second")

    for number in ("1", "2"):
        study("report", "sea", "--number", number, "--format", "json", "--out", tmp_path / number)

    assert [(tmp_path / number).read_text() for number in ("1", "2")] == ["the first", "the second"]
    with pytest.raises(CommandError, match=r"“sea” has no finished report 3\. Finished: 1, 2\."):
        study("report", "sea", "--number", "3", "--out", tmp_path / "none.html")
    with pytest.raises(CommandError, match=r"Report 1 has no pdf"):
        study("report", "sea", "--number", "1", "--format", "pdf", "--out", tmp_path / "none.pdf")


@pytest.mark.parametrize("found", [[], ["html", "pdf"]])
def test_regenerating_says_what_comes_out_the_same(monkeypatch, found):
    reported(closed_study(slug="sea", comparisons=3))
    monkeypatch.setattr(study_collect, "differing", lambda _report: found)

    if found:
        with pytest.raises(CommandError, match="Not every file came out as it was stored"):
            study("regenerate", "sea")
    else:
        assert study("regenerate", "sea") == "report 1: the same bytes\n"


@pytest.mark.parametrize("verb", [("report", "--format", "json"), ("judgments",)])
def test_results_of_an_open_study_stay_blinded(tmp_path, verb):
    open_study(slug="sea", comparisons=1)

    with pytest.raises(CommandError, match="“sea”"):
        study(verb[0], "sea", *verb[1:], "--out", tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_judgments_are_analysed_without_the_database(tmp_path, django_db_blocker):
    closed_study(slug="sea", comparisons=4, overlap=2)
    study("judgments", "sea", "--out", tmp_path / "j.csv")
    out = StringIO()

    with django_db_blocker.block():
        call_command("analyze", str(tmp_path / "j.csv"), "--json", stdout=out)

    result = json.loads(out.getvalue())
    assert result["n"] == 8
    assert result["wins"] + result["ties"] + result["losses"] == 8


def test_folder_that_is_not_there_is_one_line(tmp_path):
    closed_study(slug="sea", comparisons=1)

    with pytest.raises(CommandError, match="No such file"):
        study("report", "sea", "--out", tmp_path / "none" / "report.html")


@pytest.mark.parametrize("rate", ["0", "1", "much", "tone=2"])
def test_win_rate_must_lie_between_0_and_1(rate):
    open_study(slug="sea", comparisons=1)

    with pytest.raises(CommandError, match="is no win rate"):
        study("simulate", "sea", "--win-rate", rate)


def test_simulation_needs_an_open_study():
    draft_study(slug="sea")

    with pytest.raises(CommandError, match="open it first"):
        study("simulate", "sea")


def test_simulation_does_not_mix_with_people():
    running = open_study(slug="sea", comparisons=2)
    judge(running, annotator=AnnotatorFactory(study=running), number=1)

    with pytest.raises(CommandError, match="judgments by people"):
        study("simulate", "sea")

    assert not Study.objects.get(pk=running.pk).simulated


def test_simulation_without_a_site_says_how_to_start_one():
    running = open_study(slug="sea", comparisons=1)

    with pytest.raises(CommandError, match="start it with “make run”"):
        study("simulate", "sea", "--url", "http://127.0.0.1:9")

    assert not Study.objects.get(pk=running.pk).simulated


def test_check_says_that_every_invariant_holds():
    closed_study(slug="sea", comparisons=2)

    assert study("check", "sea") == "sea: every invariant holds\n"


def test_check_prints_the_first_violation():
    running = open_study(slug="sea", comparisons=1)
    Completion.objects.filter(batch_key=running.key).update(text="Another text.")

    with pytest.raises(CommandError, match="“sea”: The study is no longer what its frozen plan says"):
        study("check", "sea")


def test_generation_is_paused_resumed_and_cancelled_and_status_says_so():
    study("import", PRESET)
    study("generate", "stay-on-topic")

    said = [study("pause-generation", "stay-on-topic")]
    paused = json.loads(study("status", "stay-on-topic", "--json"))["generation"]
    said.append(study("resume-generation", "stay-on-topic"))
    going = json.loads(study("status", "stay-on-topic", "--json"))["generation"]
    said.append(study("cancel-generation", "stay-on-topic", "--drop"))

    assert said == [
        "stay-on-topic: generation paused\n",
        "stay-on-topic: generation goes on\n",
        "stay-on-topic: a draft again, with 0 completions\n",
    ]
    assert paused == {
        "paused": True,
        "waiting": 48,
        "in_flight": 0,
        "per_minute": 0.0,
        "seconds_left": None,
        "workers": 0,
    }
    assert going == paused | {"paused": False}
    assert json.loads(study("status", "stay-on-topic", "--json"))["status"] == "draft"


def test_cancelling_has_to_say_what_becomes_of_the_finished_ones():
    study("import", PRESET)
    study("generate", "stay-on-topic")

    with pytest.raises(CommandError, match="--keep --drop"):
        study("cancel-generation", "stay-on-topic")


def test_failed_completions_are_asked_for_again():
    study("import", PRESET)
    study("generate", "stay-on-topic")
    Completion.objects.update(status="failed", error="out of memory")

    study("retry-generation", "stay-on-topic")

    assert set(Completion.objects.values_list("status", flat=True)) == {"pending"}


def test_a_changed_file_replaces_a_cancelled_study_with_what_was_written_for_it(tmp_path):
    study("import", PRESET)
    study("generate", "stay-on-topic")
    Completion.objects.update(status="done", finish_reason="stop", finished_at=timezone.now())
    Study.objects.update(status="generating")
    waiting = Completion.objects.first()
    Completion.objects.filter(pk=waiting.pk).update(status="pending", finished_at=None)
    study("cancel-generation", "stay-on-topic", "--keep")
    assert Completion.objects.count() == 47
    changed = tmp_path / "changed.yaml"
    changed.write_text(
        PRESET.read_text(encoding="utf-8").replace("temperature: 0.7", "temperature: 0.6"), encoding="utf-8"
    )

    study("import", changed)

    assert not Completion.objects.exists()
