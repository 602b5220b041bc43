"""Turn the replica's table into a judgments file: python convert.py replica.csv judgments.csv.

The replica has one row per comparison and annotator, with both questions in columns, as the paper's study
had: which response follows the system prompt better, and which answers the user better. Here each answer
is a row. The guided response's side, left or right, is slot A or B; each guidance scale is a candidate arm.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

HEADER = (
    *("study", "comparison", "prompt", "stratum", "annotator", "criterion"),
    *("candidate_arm", "baseline_arm", "candidate_slot", "choice"),
)
CRITERIA = {"system": "system prompt", "user": "user prompt"}
SLOTS = {"left": "A", "right": "B"}
OTHER = {"A": "B", "B": "A"}


def judgments(rows: list[dict[str, str]]) -> Iterator[tuple[str, ...]]:
    """Yield one judgment per criterion and row, the first criterion's before the second's."""
    for column, criterion in CRITERIA.items():
        for row in rows:
            slot = SLOTS[row["guided_side"]]
            choices = {"guided": slot, "standard": OTHER[slot], "tie": "tie"}
            yield (
                "paper-revisited (SYNTHETIC)",
                f"comparison-{row['vote']}",
                f"user-prompt-{row['user_prompt']}",
                f"system-prompt-{row['system_prompt']}",
                f"annotator-{row['annotator']}",
                criterion,
                f"gamma {row['gamma']}",
                "standard",
                slot,
                choices[row[column]],
            )


def convert(source: Path, target: Path) -> None:
    """Read the replica and write the judgments file, the headline's scale (3) first."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["gamma"] != "3", row["gamma"]))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(judgments(rows))


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
