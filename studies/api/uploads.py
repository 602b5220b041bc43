"""Files that come as a request's body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from studies.api.problems import ProblemError
from studies.files.errors import StudyFileError
from studies.files.nodes import MAX_BYTES

_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_JSON = "application/json"
_FORM = "multipart/form-data"
_PAIR = re.compile(r"\\(?:u([dD][89abAB]\w\w)\\u([dD][c-fC-F]\w\w)|.)", re.DOTALL)
_BLOCK = 2**20


def study_file(request: HttpRequest) -> tuple[bytes, str, tuple[str, bytes] | None]:
    """Return a study file that was sent, its name, and the prompts file beside it, if there is one."""
    kind = request.content_type
    if kind in _YAML:
        return request.body, "study.yaml", None
    if kind == _JSON:
        return _as_yaml(request.body), "study.json", None
    if kind != _FORM:
        raise ProblemError(
            "media-type", f"A study file is sent as {_YAML[0]}, {_JSON}, or the part “file” of {_FORM}."
        )
    file, prompts = request.FILES.get("file"), request.FILES.get("prompts")
    if not isinstance(file, UploadedFile):
        raise ProblemError("bad-request", "The part “file” is missing: the study file.")
    beside = (prompts.name or "", _read(prompts)) if isinstance(prompts, UploadedFile) else None
    return _read(file), file.name or "study.yaml", beside


def _read(file: UploadedFile) -> bytes:  # type: ignore[type-arg]
    if (file.size or 0) > MAX_BYTES:
        raise ProblemError("too-large", f"“{file.name}” is larger than {MAX_BYTES // 2**20} MB.")
    data: bytes = file.read()
    return data


def _as_yaml(data: bytes) -> bytes:
    """Return JSON as the YAML that it nearly is, on the same lines, so that errors name the right one.

    YAML knows no pairs of escapes for one letter, and no tabs between values.
    """
    try:
        text = data.decode("utf-8-sig")
        json.loads(text)
    except UnicodeDecodeError:
        return data  # the reader says which byte
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        problem = f"this is not JSON: {getattr(error, 'msg', 'nested too deeply')}"
        raise StudyFileError(problem, name="study.json", line=line) from error
    return _PAIR.sub(_letter, text.replace("\t", " ")).encode("utf-8", "replace")


def _letter(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[0]
    return chr(0x10000 + ((int(found[1], 16) - 0xD800) << 10) + (int(found[2], 16) - 0xDC00))


@contextmanager
def body_as_file(request: HttpRequest, kinds: dict[str, str], *, most: int) -> Iterator[Path]:
    """Write a request's body to a file, without holding it in memory; ``kinds`` gives its name by type."""
    name = kinds.get(request.content_type or "")
    if name is None:
        raise ProblemError("media-type", f"It is sent as {' or '.join(kinds)}.")
    with TemporaryDirectory(prefix="evenhand-upload-") as folder:
        path = Path(folder) / name
        written = 0
        with path.open("wb") as file:
            while block := request.read(_BLOCK):
                written += len(block)
                if written > most:
                    raise ProblemError("too-large", f"At most {most // 2**20} MB are read.")
                file.write(block)
        yield path
