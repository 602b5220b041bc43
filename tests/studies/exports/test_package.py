"""Everything out: what is in it, what stays hidden, and that it is the same in every format."""

import csv
import io
import json
import zipfile
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command
from pyarrow import parquet as pq

from studies.analysis.judgments_file import parse_judgments
from studies.domain.audit import record_event
from studies.exports.columns import Type
from studies.exports.formats import FORMATS
from studies.exports.package import folder_of, zip_bytes
from studies.exports.tables import ALWAYS, IDENTITIES, JUDGMENTS, TABLES, UNBLINDED
from studies.models import AuditEvent, Judgment
from tests.factories import closed_study, open_study, reported
from tests.studies.reports.kit import exclude, judged_study

pytestmark = pytest.mark.django_db


def opened(study, *, personal=False):
    """Return the files of a study's ZIP by their path."""
    data = b"".join(zip_bytes(study, personal=personal))
    folder = folder_of(study) + "/"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.removeprefix(folder): archive.read(name) for name in archive.namelist()}


def rows_of(files, path):
    return [json.loads(line) for line in files[path].decode().splitlines()]


def test_every_column_of_every_table_is_told_in_the_codebook():
    study = closed_study()

    told = {entry["table"]: entry for entry in json.loads(opened(study, personal=True)["codebook.json"])}

    named = {name: [column["name"] for column in entry["columns"]] for name, entry in told.items()}
    assert named == {table.name: list(table.names) for table in TABLES}
    columns = [column for entry in told.values() for column in entry["columns"]]
    assert all(column["meaning"].endswith(".") and column["type"] in list(Type) for column in columns)


def test_every_row_has_a_cell_for_every_column():
    study = judged_study(annotators=2, comparisons=2, overlap=2)
    reported(study)

    found = {table.name: {len(row) for row in table.rows(study)} for table in TABLES}

    assert found["judgments"] == {len(JUDGMENTS.columns)}
    assert all(found[table.name] <= {len(table.columns)} for table in TABLES)


def test_the_three_formats_say_the_same():
    study = judged_study(annotators=2, comparisons=3, overlap=2)
    Judgment.objects.filter(pk=Judgment.objects.first().pk).update(reason="=cmd()\nß", ticked=["a", "ü"])

    files = opened(study)

    lines = rows_of(files, "tables/judgments.jsonl")
    cells = list(csv.DictReader(io.StringIO(files["tables/judgments.csv"].decode(), newline="")))
    packed = pq.read_table(io.BytesIO(files["tables/judgments.parquet"])).to_pylist()
    said = [row["choice"] for row in lines]
    assert said == [row["choice"] for row in cells] == [row["choice"] for row in packed]
    assert len(said) == Judgment.objects.count()
    assert {row["reason"] for row in lines} == {row["reason"] for row in packed} == {"", "=cmd()\nß"}
    assert {row["reason"] for row in cells} == {"", "'=cmd()\nß"}
    assert max(row["ticked"] for row in lines) == ["a", "ü"]
    assert packed[0]["submitted_at"].isoformat() == lines[0]["submitted_at"].replace("Z", "+00:00")


def test_the_analysis_reads_the_judgments_of_an_export():
    study = judged_study(annotators=4, comparisons=5, overlap=4)
    exclude(study)

    judgments = parse_judgments(opened(study)["tables/judgments.csv"])

    assert len(judgments.records.credit) == Judgment.objects.count()
    left_out = Judgment.objects.filter(assignment__annotator__exclusions__revoked_at=None)
    assert judgments.excluded.sum() == left_out.exclude(assignment__annotator__exclusions=None).count() > 0


def test_the_manifest_has_the_hash_and_rows_of_every_other_file():
    study = closed_study()
    reported(study, html="<p>Whole.</p>")

    files = opened(study)

    manifest = json.loads(files.pop("manifest.json"))
    told = {file["path"]: (file["sha256"], file["bytes"]) for file in manifest["files"]}
    assert told == {path: (sha256(data).hexdigest(), len(data)) for path, data in files.items()}
    rows = {file["path"]: file["rows"] for file in manifest["files"] if "rows" in file}
    assert rows["tables/judgments.parquet"] == Judgment.objects.count()
    assert files["reports/1/html"] == b"<p>Whole.</p>"


def test_nothing_of_an_open_study_says_which_arm_wrote_what():
    study = open_study()
    pair = study.comparisons.select_related("candidate").first()
    told = {"arm": "guided", "text": pair.candidate.text}
    record_event(actor="ada", action="completion.redrawn", study=study, before=told)

    files = opened(study)

    tables = {path.removeprefix("tables/").partition(".")[0] for path in files if path.startswith("tables/")}
    assert tables == {table.name for table in ALWAYS}
    assert "plan.json" not in files
    # The texts would, and so would their hashes beside the blinded pairs: neither stands anywhere.
    everything = b"".join(files.values()).decode(errors="replace")
    texts = [pair.candidate.text for pair in study.comparisons.select_related("candidate")]
    assert not [text for text in texts if text in everything]
    assert not [text for text in texts if sha256(text.encode()).hexdigest() in everything]


def test_a_closed_study_comes_with_every_table_and_its_plan():
    study = closed_study()

    files = opened(study)

    tables = {path.removeprefix("tables/").partition(".")[0] for path in files if path.startswith("tables/")}
    assert tables == {table.name for table in (*ALWAYS, *UNBLINDED)}
    assert sha256(files["plan.json"]).hexdigest() == study.plan_hash


def test_personal_data_are_there_only_when_asked_for():
    study = closed_study(survey=[{"name": "age", "question": "How old?", "kind": "text"}])
    who = study.annotators.first()
    who.external_id, who.survey, who.surveyed_at = "PROLIFIC-7", {"age": "forty-one"}, who.created_at
    who.save()

    without, with_them = opened(study), opened(study, personal=True)

    assert b"PROLIFIC-7" not in b"".join(without.values())
    assert b"forty-one" not in b"".join(without.values())
    assert rows_of(with_them, "personal/identities.jsonl") == [
        {"annotator": who.pseudonym, "external_id": "PROLIFIC-7", "session_id": ""}
    ]
    assert rows_of(with_them, "personal/survey.jsonl") == [
        {"annotator": who.pseudonym, "question": "age", "answer": "forty-one"}
    ]
    others = [data for path, data in with_them.items() if not path.startswith("personal/")]
    assert b"forty-one" not in b"".join(others)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_table_is_written_while_its_rows_are_read(ending):
    taken = []

    def endless():
        while True:
            taken.append(None)
            yield (f"annotator-{len(taken)}", "PROLIFIC", "")

    chunks = FORMATS[ending](IDENTITIES, endless())
    # The rows never end, so a writer that wanted them all would never come back.
    first, second = next(chunks), next(chunks)

    assert first
    assert second
    assert len(taken) <= 40_000


def test_the_command_writes_a_folder_or_a_zip_with_the_same_files(tmp_path, capsys):
    study = closed_study()

    call_command("study", "export-all", study.slug, "--out", str(tmp_path / "all"))
    call_command("study", "export-all", study.slug, "--out", str(tmp_path / "all.zip"))

    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        packed = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    folder = tmp_path / "all"
    assert packed == {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    assert AuditEvent.objects.filter(action="study.exported", actor="command line").count() == 2


def test_the_command_overwrites_nothing(tmp_path):
    study = closed_study()

    with pytest.raises(CommandError, match="is there already"):
        call_command("study", "export-all", study.slug, "--out", str(tmp_path))

    assert list(tmp_path.iterdir()) == []
