"""`manage.py analyze`: a table or JSON, one line for each error, no database."""

import json
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from tests.studies.analysis.kit import csv_of


@pytest.fixture
def file(tmp_path):
    rows = [f"{p},p{p},a{a},{'AB'[p % 2]},{'AAB'[(a + p) % 3]}" for a in range(7) for p in range(8)]
    path = tmp_path / "judgments.csv"
    path.write_bytes(csv_of(*rows))
    return path


def test_a_table_without_a_database(file, capsys):
    call_command("analyze", str(file))

    out = capsys.readouterr().out
    assert out.startswith("No preference between the candidate and the baseline was shown")
    assert "design effect" in out


def test_json_is_the_analysis(file, capsys):
    call_command("analyze", str(file), "--json", "--alpha", "0.1", "--ties", "drop", "--seed", "5")

    data = json.loads(capsys.readouterr().out)
    assert (data["n"], data["alpha"], data["ties_rule"], data["seed"]) == (56, 0.1, "drop", 5)


def test_the_plan_can_be_given_as_options(tmp_path, capsys):
    header = "comparison,prompt,stratum,annotator,criterion,outcome,submitted_at"
    rows = [
        f"{p},p{p},{'ab'[p % 2]},a{a},{c},{'win' if (a + p) % 4 else 'loss'},2026-05-0{a + 1}T12:00:00Z"
        for a in range(8)
        for p in range(12)
        for c in ("follows", "answers")
    ]
    path = tmp_path / "judgments.csv"
    path.write_bytes(csv_of(*rows, header=header))

    call_command(
        *("analyze", str(path), "--json", "--multiplicity", "gatekeeping", "--subgroups", "stratum"),
        *("--interim", "group_sequential", "--spending", "pocock"),
        *("--look", "2026-05-04T18:00:00Z", "--planned", "96", "--margin", "0.05"),
    )

    data = json.loads(capsys.readouterr().out)
    assert [look["n"] for look in data["interim"]["looks"]] == [48, 96]
    assert data["p_sequential"] > data["p_value"]
    assert [step["claim"] for step in data["criteria"]["answers"]["steps"]] == [
        "non_inferiority",
        "superiority",
    ]
    assert [(part["criterion"], part["stratum"]) for part in data["subgroups"]] == [
        ("follows", "a"),
        ("follows", "b"),
        ("answers", "a"),
        ("answers", "b"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--alpha", "often"), "--alpha is 'often'; it must be a number such as 0.05"),
        (("--alpha", "1.5"), "alpha is 1.5; it must be above 0 and at most 0.5"),
        (("--alpha", "nan"), "--alpha is 'nan'; it must be a number such as 0.05"),
        (("--seed", "1.5"), "--seed is '1.5'; it must be a whole number"),
        (
            ("--interim", "group_sequential", "--look", "noon"),
            "--look is 'noon'; it must be a time such as 2026-05-04T12:00:00Z",
        ),
        (
            ("--interim", "group_sequential", "--planned", "all"),
            "--planned is 'all'; it must be a whole number",
        ),
        (("--criterion", "wit"), "no judgment has the criterion 'wit'; the file has: preference"),
    ],
)
def test_bad_options_are_one_line(file, arguments, message):
    with pytest.raises(CommandError) as caught:
        call_command("analyze", str(file), *arguments)

    assert str(caught.value) == message


def test_a_missing_file_and_a_folder_are_one_line(tmp_path):
    with pytest.raises(CommandError, match=r"nothing\.csv: No such file or directory$"):
        call_command("analyze", str(tmp_path / "nothing.csv"))
    with pytest.raises(CommandError, match=r"Is a directory$"):
        call_command("analyze", str(tmp_path))


def test_the_process_ends_with_status_1_and_one_line(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(csv_of("1,p1,a1,A,nonsense"))

    done = subprocess.run(
        [sys.executable, "manage.py", "analyze", str(path), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "row 2, column choice: 'nonsense'" in done.stderr
