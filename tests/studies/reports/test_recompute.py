"""The script that a reader runs: alone, with numpy and scipy, it finds every digit of the report."""

import ast
import csv
import io
import json
import subprocess
import sys

import pytest

from studies.analysis.as_json import analysis_as_dict
from studies.analysis.judgments_file import COLUMNS
from studies.analysis.summary import analyze
from studies.reports.codebook import MEANING
from studies.reports.render import Drawn, render
from studies.reports.summary import summarize
from tests.studies.analysis.kit import judgments_of
from tests.studies.reports.kit import exclude, judged_study

pytestmark = pytest.mark.django_db


def recompute(folder, *arguments):
    # Isolated: neither this project nor Django can be found.
    command = [sys.executable, "-I", "recompute.py", "judgments.csv", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    def make(study):
        summary = summarize(study)
        (tmp_path / "recompute.py").write_bytes(Drawn(summary).file("recompute"))
        (tmp_path / "judgments.csv").write_bytes(summary.data)
        (tmp_path / "report.json").write_bytes(Drawn(summary).file("json"))
        return tmp_path

    return make


@pytest.mark.parametrize("ties", ["half", "drop"])
def test_the_script_finds_every_digit_of_the_report(folder, tmp_path, ties):
    study = judged_study(arms=("standard", "mild", "strong"), tie_rule=ties)
    exclude(study)

    done = recompute(folder(study), "--against", "report.json")

    assert (done.returncode, done.stderr.strip()) == (
        0,
        "Every number agrees with the report to its last digit.",
    )
    printed, report = json.loads(done.stdout), json.loads((tmp_path / "report.json").read_bytes())
    assert len(printed) == 4
    by_name = {(row["candidate_arm"], row["criterion"]): row for row in printed}
    for pair in report["pairs"]:
        for criterion, numbers in pair["criteria"].items():
            row = by_name[pair["candidate"], criterion]
            for name in ("win_rate", "ci_low", "ci_high", "se", "p_value", "p_holm", "wins", "both_bad"):
                assert row[name] == numbers[name]


def test_a_changed_judgment_is_noticed(folder):
    study = judged_study()
    path = folder(study) / "judgments.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    lost = next(row for row in rows if row["outcome"] == "loss")
    lost["choice"], lost["outcome"] = lost["candidate_slot"], "win"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)

    done = recompute(path.parent, "--against", "report.json")

    assert done.returncode == 1
    assert "win_rate" in done.stderr


def test_unanimous_and_single_annotators_are_recomputed_too(folder, tmp_path):
    header = "comparison,prompt,annotator,outcome"
    (tmp_path / "recompute.py").write_bytes(render(judged_study(), "recompute"))
    for rows in (
        ["1,p,a,win", "2,q,b,win", "3,r,c,win"],
        ["1,p,a,win", "2,q,a,tie"],
        ["1,p,a,tie", "1,p,b,tie"],
    ):
        (tmp_path / "judgments.csv").write_text("\n".join([header, *rows]))
        report = analysis_as_dict(analyze(judgments_of(*rows, header=header)))
        (tmp_path / "report.json").write_text(json.dumps(report))

        assert recompute(tmp_path, "--against", "report.json").returncode == 0


def test_the_script_imports_nothing_but_numpy_and_scipy():
    tree = ast.parse(render(judged_study(), "recompute"))

    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported = {module.split(".")[0] for module in modules}
    assert imported - sys.stdlib_module_names == {"numpy", "scipy"}


def test_the_codebook_describes_every_column():
    assert tuple(MEANING) == COLUMNS
    text = render(judged_study(), "codebook").decode()
    assert all(f"| `{column}` |" in text for column in COLUMNS)
