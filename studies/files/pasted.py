"""Prompts that somebody pastes or uploads, as the study file says them."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext

from studies.files.errors import StudyFileError
from studies.files.prompts import COLUMNS
from studies.files.rows import SUFFIXES, Rows, read_rows

Prompts = list[dict[str, Any]]


def pasted(text: str, *, shape: str, system: str = "", stratum: str = "") -> Prompts:
    """Return user messages: one a line, or (``blocks``) parted by empty lines."""
    text = text.replace("\r\n", "\n")
    parts = re.split(r"\n[ \t]*\n", text) if shape == "blocks" else text.split("\n")
    always = {
        key: value for key, value in (("system", system.strip()), ("stratum", stratum.strip())) if value
    }
    return [
        always | {"user": part.strip("\n") if shape == "blocks" else part.strip()}
        for part in parts
        if part.strip()
    ]


def uploaded(data: bytes, *, name: str) -> Rows:
    """Return the rows of a CSV or JSON Lines file of prompts."""
    if not name.lower().endswith(SUFFIXES):
        raise StudyFileError(gettext("the file is neither .csv nor .jsonl"), name=name)
    rows = read_rows(data, name=name, columns=COLUMNS)
    if not rows:
        raise StudyFileError(gettext("the file holds no prompt"), name=name, line=1)
    return rows


def named(prompts: Prompts, *, taken: Prompts) -> Prompts:
    """Give each prompt without a name the next free one of p1, p2 and so on."""
    used = {str(prompt.get("id")) for prompt in (*taken, *prompts)}
    number = 0
    done: Prompts = []
    for prompt in prompts:
        if prompt.get("id") is None:
            number += 1
            while f"p{number}" in used:
                number += 1
            done.append({"id": f"p{number}", **prompt})
        else:
            done.append(prompt)
    return done
