"""`manage.py study scan`, `exclude`, `include` and `redraw`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from generation.models import Completion
from studies.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db


def run(*words):
    out = StringIO()
    call_command("study", *map(str, words), stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def study():
    """Three pairs, of which the first has an empty response."""
    made = factories.ready_study(slug="ocean", prompts=3)
    done = Completion.objects.filter(batch_key=made.key)
    done.update(claimed_at=F("finished_at"), claimed_by="host:1:1")
    done.filter(pk=made.comparisons.first().candidate_id).update(text="")
    return made


def test_scan_lists_flagged_pairs_with_reasons_and_names_no_arm(study):
    lines = run("scan", "ocean")

    assert lines == [
        f"{study.comparisons.first().pk}  prompt-0",
        "    An empty response: there is no text",
        "ocean: 1 pairs flagged: empty 1",
    ]


def test_scan_as_json_has_counts_pairs_and_arms_if_asked(study):
    plain = json.loads(run("scan", "ocean", "--json")[0])
    by_arm = json.loads(run("scan", "ocean", "--json", "--by-arm")[0])

    assert plain["counts"]["empty"] == 1
    assert plain["pairs"][0]["flags"] == {"empty": ["there is no text"]}
    assert "arms" not in plain
    assert [(arm["arm"], arm["flagged"]) for arm in by_arm["arms"]] == [("standard", 0), ("guided", 1)]
    assert AuditEvent.objects.filter(action="scan.unblinded").count() == 1


def test_exclude_all_flagged_then_include_them_again(study):
    assert run("exclude", "ocean", "--flagged", "empty") == ["ocean: 1 comparisons left out of the plan"]
    assert run("scan", "ocean") == ["ocean: 0 pairs flagged"]
    assert run("include", "ocean") == ["ocean: 1 comparisons put back into the plan"]


def test_redraw_of_all_flagged_says_what_to_do_next(study):
    (line,) = run("redraw", "ocean", "--flagged")

    assert line.startswith("ocean: 1 completions asked for anew.")
    assert "manage.py generate ocean" in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("exclude", "ocean", "--pair", "999999", "--reason", "x"), "none of these comparisons"),
        (("exclude", "ocean", "--flagged", "refusal"), "No pair of “ocean” has that flag"),
        (("redraw", "ocean", "--pair", "1"), "needs a reason"),
    ],
)
def test_what_cannot_be_done_is_one_line(study, words, told):
    with pytest.raises(CommandError, match=told):
        run(*words)


def test_an_open_study_refuses(study):
    factories.lifecycle.open_study(study=study, actor="tests")

    with pytest.raises(CommandError, match="was frozen when it opened"):
        run("redraw", "ocean", "--flagged")
