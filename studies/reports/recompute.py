"""Recompute the result of a study from its judgments file. Needs Python, numpy and scipy; nothing else.

    python recompute.py judgments.csv                     prints the numbers
    python recompute.py judgments.csv --against report.json   compares them with a report's, digit for digit

Each criterion of each pair of arms is estimated as the mean credit of the candidate (a win 1, a tie or
"both bad" 1/2, a loss 0), with a variance that is clustered by annotator and by prompt (Cameron, Gelbach
and Miller 2011): the largest of two-way, one-way and independent. Excluded judgments, attention checks and
repeats are left out. This file is written apart from the program that made the report, on purpose.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

Row = dict[str, Any]
CREDIT = {"win": 1.0, "tie": 0.5, "both_bad": 0.5, "loss": 0.0}
GROUP = ("candidate_arm", "baseline_arm", "criterion")
DEFAULTS = dict(zip(GROUP, ("candidate", "baseline", "preference"), strict=True))


def outcome(row: Row) -> str:
    """Return what a judgment says of the candidate, from the slots when the file has them."""
    choice, slot = row.get("choice", ""), row.get("candidate_slot", "")
    if choice and slot:
        return choice if choice in CREDIT else ("win" if choice == slot else "loss")
    return "both_bad" if choice == "both_bad" else row["outcome"]


def groups(path: Path) -> dict[tuple[str, ...], list[Row]]:
    """Return the judgments that count, by pair of arms and criterion, in the order of the file.

    Annotators and prompts are numbered over the whole file, in order of first appearance: sums are then
    taken in the same order as in the report, and agree to the last digit.
    """
    found: dict[tuple[str, ...], list[Row]] = {}
    numbers: dict[str, dict[tuple[str, str], int]] = {"annotator": {}, "prompt": {}}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            name = tuple(row.get(column, DEFAULTS[column]) for column in GROUP)
            rows = found.setdefault(name, [])
            codes = {
                f"{column} number": known.setdefault((row.get("study", ""), row[column]), len(known))
                for column, known in numbers.items()
            }
            if row.get("kind", "real") == "real" and row.get("excluded", "0") == "0":
                rows.append(row | codes)
    return found


def codes(rows: list[Row], column: str) -> np.ndarray[Any, Any]:
    """Return the number of each judgment's annotator or prompt."""
    return np.array([row[f"{column} number"] for row in rows], dtype=np.int64)


def cluster_variance(residuals: np.ndarray[Any, Any], cluster: np.ndarray[Any, Any]) -> float | None:
    """Return G/(G-1) times the sum of squared cluster sums, over n^2."""
    count = len(np.unique(cluster))
    if count < 2:  # noqa: PLR2004 - one cluster has no variance between clusters
        return None
    sums = np.bincount(cluster, weights=residuals)
    return float(sums @ sums) / len(residuals) ** 2 * count / (count - 1)


def variances(credit: np.ndarray[Any, Any], rows: list[Row]) -> dict[str, float | None]:
    """Return the variance of the mean under each assumption."""
    annotator, prompt = codes(rows, "annotator"), codes(rows, "prompt")
    residuals = credit - credit.mean()
    one = cluster_variance(residuals, annotator)
    other = cluster_variance(residuals, prompt)
    _, cell = np.unique(annotator * (int(prompt.max()) + 1) + prompt, return_inverse=True)
    both = cluster_variance(residuals, cell)
    known = one is not None and other is not None and both is not None
    return {
        "annotators": one,
        "prompts": other,
        "two_way": one + other - both if known else None,  # type: ignore[operator]
        "independent": cluster_variance(residuals, np.arange(len(credit))),
    }


def infer(credit: np.ndarray[Any, Any], rows: list[Row], alpha: float) -> dict[str, Any]:
    """Return interval and test of a mean of credits."""
    mean = float(credit.mean())
    clusters = min(len(set(codes(rows, "annotator").tolist())), len(set(codes(rows, "prompt").tolist())))
    known = [value for value in variances(credit, rows).values() if value is not None]
    if clusters < 2:  # noqa: PLR2004 - nothing can be said of other annotators or prompts
        return {"win_rate": mean, "ci_low": None, "ci_high": None, "se": None, "p_value": None}
    if np.ptp(credit) == 0:  # all agree: each cluster counts once, and the bound is exact
        share = 1 - (alpha / 2) ** (1 / clusters)
        low, high = mean * (1 - share), min(1.0, mean * (1 - share) + share)
        p_value = 1.0 if mean == 0.5 else min(1.0, 2 * 0.5**clusters)  # noqa: PLR2004 - the null
        return {"win_rate": mean, "ci_low": low, "ci_high": high, "se": 0.0, "p_value": p_value}
    se = math.sqrt(max(known))
    reach = float(stats.t.isf(alpha / 2, clusters - 1)) * se
    p_value = float(2 * stats.t.sf(abs((mean - 0.5) / se), clusters - 1))
    return {
        "win_rate": mean,
        "ci_low": max(0.0, mean - reach),
        "ci_high": min(1.0, mean + reach),
        "se": se,
        "p_value": min(1.0, p_value),
    }


def estimate(rows: list[Row], ties: str, alpha: float) -> dict[str, Any]:
    """Return the numbers of one criterion of one pair of arms."""
    said = [outcome(row) for row in rows]
    counts = {
        "wins": said.count("win"),
        "ties": said.count("tie"),
        "both_bad": said.count("both_bad"),
        "losses": said.count("loss"),
    }
    kept = [i for i, word in enumerate(said) if ties == "half" or word in {"win", "loss"}]
    none: dict[str, Any] = dict.fromkeys(("win_rate", "ci_low", "ci_high", "se", "p_value"))
    credit = np.array([CREDIT[said[i]] for i in kept])
    return {"n": len(kept), **counts, **(infer(credit, [rows[i] for i in kept], alpha) if kept else none)}


def holm(p_values: list[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values; a test that could not be made still counts in the family."""
    order = sorted(range(len(p_values)), key=lambda i: 1.0 if p_values[i] is None else p_values[i])  # type: ignore[arg-type, return-value]
    adjusted, largest = list(p_values), 0.0
    for rank, i in enumerate(order):
        value = p_values[i]
        if value is not None:
            largest = max(largest, value * (len(p_values) - rank))
            adjusted[i] = min(1.0, largest)
    return adjusted


def recompute(path: Path, ties: str, alpha: float) -> list[dict[str, Any]]:
    """Return the numbers of every criterion and pair of arms."""
    found = groups(path)
    results = [
        dict(zip(GROUP, name, strict=True)) | estimate(rows, ties, alpha) for name, rows in found.items()
    ]
    for result, p_holm in zip(results, holm([result["p_value"] for result in results]), strict=True):
        result["p_holm"] = p_holm
    return results


def differences(results: list[dict[str, Any]], report: dict[str, Any]) -> list[str]:
    """Return every number that differs from the report's."""
    printed = {
        (pair["candidate"], pair["baseline"], criterion): numbers
        for pair in report["pairs"]
        for criterion, numbers in pair["criteria"].items()
    }
    return [
        f"{'/'.join(result[key] for key in GROUP)} {name}: {value!r} here, {theirs!r} in the report"
        for result in results
        for name, value in result.items()
        if name not in GROUP
        and value != (theirs := printed.get(tuple(result[key] for key in GROUP), {}).get(name))
    ]


def main() -> int:
    """Read the arguments, print the numbers, and say whether they are the report's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("judgments", type=Path)
    parser.add_argument("--against", type=Path, metavar="REPORT.json")
    parser.add_argument("--ties", choices=("half", "drop"), help="default: the report's, or half")
    parser.add_argument("--alpha", type=float, help="default: the report's, or 0.05")
    options = parser.parse_args()
    report = json.loads(options.against.read_text(encoding="utf-8")) if options.against else {}
    ties = options.ties or report.get("ties_rule", "half")
    results = recompute(options.judgments, ties, options.alpha or report.get("alpha", 0.05))
    sys.stdout.write(json.dumps(results, indent=2) + "\n")
    if not report:
        return 0
    found = differences(results, report)
    sys.stderr.write("\n".join(found or ["Every number agrees with the report to its last digit."]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
