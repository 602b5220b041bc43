"""Everything in one archive, the same bytes each time, every file with its sum."""

import io
from hashlib import sha256
from zipfile import ZipFile

import pytest

from studies.reports.export import judgments_bytes
from studies.reports.render import FORMATS, face_filename

pytestmark = pytest.mark.django_db


def test_the_archive_holds_every_face_with_its_sum(usual, drawn):
    with ZipFile(io.BytesIO(drawn.file("zip"))) as archive:
        files = {name.removeprefix(f"{usual.slug}/"): archive.read(name) for name in archive.namelist()}

    faces = {face.name for fmt, face in FORMATS.items() if fmt != "zip"}
    assert set(files) == faces | {"README.txt", "SHA256SUMS", "judgments.csv"}
    assert files["judgments.csv"] == judgments_bytes(usual)
    assert files["report.json"] == drawn.file("json")
    sums = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: sha256(data).hexdigest() for name, data in files.items()}
    assert all(name in files["README.txt"].decode() for name in files if name != "README.txt")


def test_times_in_the_archive_are_the_studys_not_the_clocks(usual, drawn):
    with ZipFile(io.BytesIO(drawn.file("zip"))) as archive:
        times = {entry.date_time for entry in archive.infolist()}

    closed = usual.closed_at.timetuple()[:6]
    assert times == {(*closed[:5], closed[5] - closed[5] % 2)}


def test_a_simulated_archive_says_so_outside_and_inside(simulated, drawn_simulated):
    with ZipFile(io.BytesIO(drawn_simulated.file("zip"))) as archive:
        names = archive.namelist()
        readme = archive.read(names[0]).decode()

    assert face_filename(simulated, "zip").startswith("SIMULATED-")
    assert all(name.startswith("SIMULATED-") for name in names)
    assert readme.startswith("SIMULATED")
