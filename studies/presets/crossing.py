"""Prompts as the crossing of system and user prompts: all of them, or a sample that is balanced in both."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from math import gcd
from pathlib import Path

import numpy as np

Row = dict[str, str]


def read_parts(folder: Path) -> tuple[list[Row], list[Row]]:
    """Return the rows of ``systems.csv`` and ``users.csv``."""
    systems, users = (
        list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))
        for name in ("systems.csv", "users.csv")
    )
    return systems, users


def crossed(
    systems: Sequence[Row], users: Sequence[Row], *, take: int | None, seed: int
) -> list[tuple[Row, Row]]:
    """Return ``take`` of all combinations, drawn from ``seed``; all of them when it is None.

    Their order is that of the systems, then of the users. Each system comes equally often, within one, and so
    does each user: the two lists are shuffled and walked side by side, each from the start again when it
    ends. As their lengths have no common divisor, that walk meets every combination once before any twice.

    Raises
    ------
    ValueError
        The lengths have a common divisor, or fewer or more combinations are asked for than there are.
    """
    number = len(systems) * len(users)
    if gcd(len(systems), len(users)) != 1:
        message = f"{len(systems)} system and {len(users)} user prompts have a common divisor."
        raise ValueError(message)
    wanted = number if take is None else take
    if not 1 <= wanted <= number:
        message = f"there are {number} combinations: take 1 to {number} of them, or all"
        raise ValueError(message)
    rng = np.random.default_rng([seed, 7])
    rows, columns = rng.permutation(len(systems)), rng.permutation(len(users))
    walk = sorted((int(rows[at % len(systems)]), int(columns[at % len(users)])) for at in range(wanted))
    return [(systems[row], users[column]) for row, column in walk]
