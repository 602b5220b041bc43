"""How often intervals cover the truth, and how often looks claim an effect that is not there.

Run from the repository root::

    python -m benchmarks.calibration            # 1,000 replications, a few minutes on two cores
    python -m benchmarks.calibration --quick    # 100 replications, for a first impression

Each replication is a study whose log odds have a normal part of the annotator and one of the prompt.
Every draw comes from the seed, whatever the number of processes. The exit status is 1 when a requirement
is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from studies.analysis.interim import annotator_means, log_capital, monitor
from studies.analysis.interval import Estimate, estimate_share
from studies.analysis.naive import sign_test, wilson

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

SEED = 20230630
ALPHA = 0.05
LOOKS = (0.2, 0.4, 0.6, 0.8, 1.0)
COVERAGE = (0.92, 0.985)
REJECTIONS = 0.08
FALSE_CLAIMS = 0.06
PARTS = 20
"""Pieces of a row's replications; seeds belong to pieces and not to processes."""


@dataclass(frozen=True, slots=True)
class Design:
    """A study to simulate."""

    annotators: int
    prompts: int
    n: int
    variances: tuple[float, float]
    """Of the annotators' and of the prompts' part of the log odds."""
    win_rate: float = 0.5
    """Over all annotators and prompts."""

    def __str__(self) -> str:
        a, p = self.variances
        return f"{self.annotators} x {self.prompts}, n = {self.n:,}, variances {a:g} / {p:g}"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of a row."""

    kind: str
    design: Design
    in_turn: bool
    replications: int
    seed: np.random.SeedSequence


STRONG = (0.5, 0.5)
DESIGNS = (
    Design(71, 46, 611, (0.0, 0.0)),
    Design(71, 46, 611, (0.12, 0.07)),
    Design(71, 46, 611, STRONG),
    Design(71, 46, 611, STRONG, 0.731),
    Design(124, 13, 5460, (0.12, 0.07)),
    Design(20, 100, 2000, STRONG),
    Design(6, 200, 1200, STRONG),
)
CLUSTERINGS = DESIGNS[:3]
PLANNED_INFORMATION = 611 / (0.25 * 1.3)
"""A design effect of 1.3, planned for all three: right for none of them exactly."""


def intercept(design: Design) -> float:
    """Return the log odds whose mean win rate over annotators and prompts is the design's."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = sqrt(sum(design.variances))

    def missing(log_odds: float) -> float:
        return float(weights @ special.expit(log_odds + spread * nodes)) / weights.sum() - design.win_rate

    return float(optimize.brentq(missing, -10, 10))


def draw(design: Design, log_odds: float, rng: np.random.Generator) -> tuple[Floats, Codes, Codes]:
    """Return one study's credits, annotators and prompts, each (n,)."""
    annotator = rng.integers(design.annotators, size=design.n)
    prompt = rng.integers(design.prompts, size=design.n)
    odds = log_odds + rng.normal(0, sqrt(design.variances[0]), design.annotators)[annotator]
    odds += rng.normal(0, sqrt(design.variances[1]), design.prompts)[prompt]
    return (rng.random(design.n) < special.expit(odds)).astype(np.float64), annotator, prompt


def t_covers(estimate: Estimate, variance: float | None, clusters: int, truth: float) -> bool:
    """Say whether the t interval of one variance alone covers the truth."""
    if variance is None or variance <= 0 or estimate.mean is None:
        return False
    return abs(estimate.mean - truth) <= float(stats.t.isf(ALPHA / 2, clusters - 1)) * sqrt(variance)


def coverage(design: Design, log_odds: float, rng: np.random.Generator) -> list[bool]:
    """Return whether each interval covers the truth in one study, and whether ours rejects it."""
    values, annotator, prompt = draw(design, log_odds, rng)
    estimate = estimate_share(values, annotator, prompt, alpha=ALPHA)
    low, high = wilson(int(values.sum()), len(values))
    ours = estimate.ci_low is not None and estimate.ci_high is not None
    covered = ours and estimate.ci_low <= design.win_rate <= estimate.ci_high
    rejected = not covered if design.win_rate != 0.5 else (estimate.p_value or 0.0) < ALPHA
    parts = estimate.variances
    return [
        covered,
        rejected,
        low <= design.win_rate <= high,
        t_covers(estimate, parts.annotators, estimate.annotators, design.win_rate),
        t_covers(estimate, parts.prompts, estimate.prompts, design.win_rate),
    ]


def false_claims(design: Design, rng: np.random.Generator, *, in_turn: bool) -> list[bool]:
    """Return whether each way of looking five times claims an effect in one study without any."""
    values, annotator, prompt = draw(design, 0.0, rng)
    if in_turn:
        order = np.argsort(annotator, kind="stable")
        values, annotator, prompt = values[order], annotator[order], prompt[order]
    ends = [round(fraction * design.n) for fraction in LOOKS]
    looks = [estimate_share(values[:end], annotator[:end], prompt[:end], alpha=ALPHA) for end in ends]
    wins = [int(values[:end].sum()) for end in ends]
    claims = [
        any(sign_test(won, end - won) < ALPHA for won, end in zip(wins, ends, strict=True)),
        any((look.p_value or 0.0) < ALPHA for look in looks),
        monitor(looks, planned_information=PLANNED_INFORMATION, final=True).stopped_at is not None,
        bool(log_capital(values, 0.5).max() >= -np.log(ALPHA)),
    ]
    # A bet per annotator needs annotators who have finished: they do so when they come in turn.
    bet = in_turn and bool(log_capital(annotator_means(values, annotator), 0.5).max() >= -np.log(ALPHA))
    return [*claims, bet]


def run(job: Job) -> Floats:
    """Return how often each thing happened in one piece."""
    rng = np.random.default_rng(job.seed)
    if job.kind == "coverage":
        log_odds = intercept(job.design)
        rows = [coverage(job.design, log_odds, rng) for _ in range(job.replications)]
    else:
        rows = [false_claims(job.design, rng, in_turn=job.in_turn) for _ in range(job.replications)]
    return np.asarray(np.sum(rows, axis=0), dtype=np.float64)


def jobs(kind: str, rows: Iterable[tuple[Design, bool]], replications: int, seed: int) -> list[Job]:
    """Return all pieces, row by row."""
    rows = list(rows)
    seeds = np.random.SeedSequence([seed, len(kind)]).spawn(len(rows) * PARTS)
    each = -(-replications // PARTS)
    return [
        Job(kind, design, in_turn, each, seeds[index * PARTS + part])
        for index, (design, in_turn) in enumerate(rows)
        for part in range(PARTS)
    ]


def rates(found: Iterable[Floats], rows: int, replications: int) -> Floats:
    """Return each row's shares from the sums of its pieces."""
    total = -(-replications // PARTS) * PARTS
    return np.stack(list(found)).reshape(rows, PARTS, -1).sum(axis=1) / total


def print_table(header: list[str], rows: Iterable[list[str]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|---" * len(header) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def digits(share: float) -> str:
    """Return a share with three digits, as the APA prints it."""
    return f"{share:.3f}".removeprefix("0")


def show_coverage(found: Floats) -> bool:
    """Print the seven designs; return whether all meet the requirements."""
    header = ["design", "win rate", "covered", "truth rejected", "Wilson", "annotators only", "prompts only"]
    rows = [
        [str(design), f"{design.win_rate:g}", *(digits(share) for share in shares)]
        for design, shares in zip(DESIGNS, found.tolist(), strict=True)
    ]
    print(f"Coverage of nominal 95 %; required {COVERAGE[0]:g} to {COVERAGE[1]:g}, ", end="")
    print(f"rejections <= {REJECTIONS:g}\n")
    print_table(header, rows)
    inside = (found[:, 0] >= COVERAGE[0]) & (found[:, 0] <= COVERAGE[1])
    return bool(np.all(inside & (found[:, 1] <= REJECTIONS)))


def show_looks(found: Floats, rows: list[tuple[Design, bool]]) -> bool:
    """Print false claims over five looks; return whether ours are few enough."""
    header = [
        "clustering",
        "annotators come",
        "sign test",
        "cluster t",
        "spending",
        "bets",
        "bets by judgment",
    ]
    lines = []
    for (design, in_turn), shares in zip(rows, found.tolist(), strict=True):
        sign, uncorrected, spending, by_judgment, bet = (digits(share) for share in shares)
        bets = bet if in_turn else "not offered"
        order = "in turn" if in_turn else "mixed"
        lines.append([str(design), order, sign, uncorrected, spending, bets, by_judgment])
    print(f"False claims over five looks, no effect; required of spending and bets <= {FALSE_CLAIMS:g}\n")
    print_table(header, lines)
    return bool(np.all(found[:, [2, 4]] <= FALSE_CLAIMS))


def main() -> int:
    """Run and print both tables."""
    parser = argparse.ArgumentParser(description="Calibrate intervals and interim looks.")
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="100 replications")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    replications = 100 if options.quick else options.replications
    looks = [(design, in_turn) for design in CLUSTERINGS for in_turn in (True, False)]
    rows = [(design, False) for design in DESIGNS]
    first = jobs("coverage", rows, replications, options.seed)
    second = jobs("looks", looks, replications, options.seed)
    started = time.perf_counter()
    with ProcessPoolExecutor(options.processes) as pool:
        apply: Callable[[list[Job]], Iterable[Floats]] = lambda part: pool.map(run, part)  # noqa: E731
        met = show_coverage(rates(apply(first), len(rows), replications))
        met = show_looks(rates(apply(second), len(looks), replications), looks) and met
    error = sqrt(0.05 * 0.95 / replications)
    print(
        f"{replications:,} replications a row, seed {options.seed}; a share of .05 has a standard error of "
        f"{digits(error)}. {time.perf_counter() - started:.0f} s. "
        + ("All requirements are met." if met else "A requirement is missed.")
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
