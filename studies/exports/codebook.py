"""The codebook of an export, for people and for programs, made of the tables themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable

from studies.exports.columns import Table


def codebook_md(tables: Iterable[Table]) -> bytes:
    """Return the codebook as Markdown."""
    lines = [
        "# Codebook",
        "",
        "Each table is there as CSV, as JSON Lines and as Parquet, with the same rows in the same order. "
        "Files are UTF-8. In CSV what is unknown is empty, and a text that begins like a formula has an "
        "apostrophe before it, so that no spreadsheet runs it. "
        "JSON stands as it is in JSON Lines, and as text elsewhere.",
    ]
    for table in tables:
        lines += [
            "",
            f"## {table.name}",
            "",
            table.meaning,
            "",
            "| column | values | meaning |",
            "|---|---|---|",
        ]
        lines += [
            f"| `{column.name}` | {column.type}{', or unknown' * column.optional} | {column.meaning} |"
            for column in table.columns
        ]
    return ("\n".join(lines) + "\n").encode()


def codebook_json(tables: Iterable[Table]) -> bytes:
    """Return the same for programs."""
    told = [
        {
            "table": table.name,
            "meaning": table.meaning,
            "columns": [
                {
                    "name": column.name,
                    "type": str(column.type),
                    "unknown_allowed": column.optional,
                    "meaning": column.meaning,
                }
                for column in table.columns
            ],
        }
        for table in tables
    ]
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()
