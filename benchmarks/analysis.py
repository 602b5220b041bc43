"""Time of the analysis against the number of judgments, and its ratio to other programs in the same run.

Run from the repository root::

    python -m benchmarks.analysis                   # 10,000 to 1,000,000 judgments, about a minute
    python -m benchmarks.analysis --n 10000 100000
    python -m benchmarks.analysis --slow            # rivals that would take longer than 20 s as well
    python -m benchmarks.analysis --check           # and fail where a rival is faster than it may be

Rivals that are not installed (statsmodels, evalica, choix) are left out, and said. Each rival computes the
same quantity from the same arrays, and the largest difference of its answer is printed. Times are the best
of several runs, because machines are shared.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from studies.analysis.agreement import krippendorff_alpha, rating_counts
from studies.analysis.bradley_terry import bradley_terry
from studies.analysis.contest_fit import fit_counts
from studies.analysis.contests import FIRST, TIED, Contests
from studies.analysis.glmm import glmm
from studies.analysis.interval import estimate_share
from studies.analysis.records import LOSS, WIN, Records
from studies.analysis.resampling import bootstrap
from studies.analysis.tie_models import DROPPED, HALF_CREDIT

SEED = 20230630
ARMS, ANNOTATORS, PROMPTS = 20, 300, 100
SIZES = (10_000, 100_000, 1_000_000)
PATIENCE = 20.0
"""Seconds that a rival is expected to take at most, from its time at the size before."""
REPEATS, LONG = 5, 1.0
FAST, MANY, TIMES = "Bradley-Terry", 1_000_000, 50
"""Of these tasks, at so many judgments or more, every rival has to take that many times as long."""


@dataclass(frozen=True)
class Rival:
    """Another program that computes the same."""

    name: str
    prepare: Callable[[Contests], Any]
    """Brings the arrays into the rival's form; not timed."""
    compute: Callable[[Any], Any]


@dataclass(frozen=True)
class Task:
    """One quantity, computed here and by others."""

    name: str
    compute: Callable[[Contests], Any]
    rivals: tuple[Rival, ...] = ()


def judgments(n: int) -> Contests:
    """Return simulated judgments between 20 arms, a fifth of them ties."""
    rng = np.random.default_rng([SEED, n])
    strengths = np.linspace(-1, 1, ARMS)
    first = rng.integers(ARMS, size=n)
    second = (first + rng.integers(1, ARMS, size=n)) % ARMS
    annotator, prompt = rng.integers(ANNOTATORS, size=n), rng.integers(PROMPTS, size=n)
    lean = strengths[first] - strengths[second] + rng.normal(0, 0.5, ANNOTATORS)[annotator]
    won = np.where(rng.random(n) < 1 / (1 + np.exp(-lean)), FIRST, 0)
    outcome = np.where(rng.random(n) < 0.2, TIED, won)
    return Contests(tuple(f"arm {i}" for i in range(ARMS)), first, second, outcome, annotator, prompt)


def credit(data: Contests) -> Any:
    """Return the credit of the first arm."""
    return data.outcome / 2


def records(data: Contests) -> Records:
    """Return the judgments as if there were two arms."""
    outcome = np.where(data.outcome == FIRST, WIN, np.where(data.outcome == TIED, 1, LOSS))
    return Records(outcome, data.annotator, data.prompt, data.first, data.outcome % 2)


def two_way(data: Contests) -> Any:
    """Return the plain two-way standard error, from the whole headline."""
    found = estimate_share(credit(data), data.annotator, data.prompt, alpha=0.05)
    return np.array([found.mean, np.sqrt(found.variances.two_way or 0)])


def statsmodels_two_way(given: tuple[Any, Any]) -> Any:
    """Return mean and two-way standard error of a regression on a constant."""
    model, groups = given
    # It multiplies by G/(G-1) of both dimensions and by (n-1)/(n-1) = 1.
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    return np.array([fit.params[0], fit.bse[0]])


def prepare_statsmodels(data: Contests) -> tuple[Any, Any]:
    """Return the regression and its groups."""
    from statsmodels.api import OLS  # noqa: PLC0415 - a rival may be missing

    return OLS(credit(data), np.ones((len(data), 1))), np.column_stack([data.annotator, data.prompt])


def half_credit(data: Contests) -> Any:
    """Return scores with mean 0."""
    return fit_counts(data.counts(), model=HALF_CREDIT).strengths


def decided_only(data: Contests) -> Any:
    """Return scores with mean 0, ties left out."""
    return fit_counts(data.where(data.outcome != TIED).counts(), model=DROPPED).strengths


def prepare_evalica(data: Contests) -> Any:
    """Return arms and outcomes as evalica wants them, arms indexed before."""
    import evalica  # noqa: PLC0415 - a rival may be missing
    import pandas as pd  # noqa: PLC0415 - a rival may be missing

    kinds = np.array([evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.X], dtype=object)
    return data.first.tolist(), data.second.tolist(), kinds[data.outcome].tolist(), pd.Index(range(ARMS))


def evalica_scores(given: Any) -> Any:
    """Return evalica's scores on the log scale with mean 0."""
    import evalica  # noqa: PLC0415 - a rival may be missing

    first, second, kinds, index = given
    scores = evalica.bradley_terry(first, second, kinds, index=index).scores
    logs = np.log(scores.loc[list(range(ARMS))].to_numpy())
    return logs - logs.mean()


def prepare_choix(data: Contests) -> Any:
    """Return pairs of who was preferred to whom."""
    kept = data.where(data.outcome != TIED)
    first_won = kept.outcome == FIRST
    better = np.where(first_won, kept.first, kept.second).tolist()
    worse = np.where(first_won, kept.second, kept.first).tolist()
    return list(zip(better, worse, strict=True))


def choix_scores(pairs: Any) -> Any:
    """Return choix's scores with mean 0."""
    import choix  # noqa: PLC0415 - a rival may be missing

    return choix.ilsr_pairwise(ARMS, pairs)


def prepare_logit(data: Contests) -> Any:
    """Return the same model as a general binary regression."""
    from statsmodels.api import GLM, families  # noqa: PLC0415 - a rival may be missing

    rows = np.arange(len(data))
    design = np.zeros((len(data), ARMS))
    design[rows, data.first] += 1
    design[rows, data.second] -= 1
    return GLM(credit(data), design[:, 1:], family=families.Binomial())


def statsmodels_scores(model: Any) -> Any:
    """Return the regression's scores with mean 0."""
    scores = np.append(0.0, model.fit().params)
    return scores - scores.mean()


def alpha(data: Contests) -> Any:
    """Return Krippendorff's alpha of ten ratings a comparison."""
    units = np.repeat(np.arange(len(data) // 10), 10)
    return krippendorff_alpha(rating_counts(units, data.outcome[: len(units)]))


def prepare_ratings(data: Contests) -> Any:
    """Return raters by comparisons."""
    import pandas as pd  # noqa: PLC0415 - a rival may be missing

    return pd.DataFrame(data.outcome[: len(data) // 10 * 10].reshape(-1, 10).T)


def evalica_alpha(ratings: Any) -> Any:
    """Return evalica's alpha."""
    import evalica  # noqa: PLC0415 - a rival may be missing

    return evalica.alpha(ratings).alpha


def whole_bradley_terry(data: Contests) -> Any:
    """Return scores with ties by Davidson's model, clustered errors and rank sets."""
    return bradley_terry(data, rng=np.random.default_rng(SEED)).log_likelihood


def resampled(data: Contests) -> Any:
    """Return the standard error of 1,000 two-way resamples."""
    rng = np.random.default_rng(SEED)
    return bootstrap(credit(data), data.annotator, data.prompt, rng=rng).se


TASKS = (
    Task("two-way interval", two_way, (Rival("statsmodels", prepare_statsmodels, statsmodels_two_way),)),
    Task(
        "Bradley-Terry, ties half",
        half_credit,
        (
            Rival("evalica", prepare_evalica, evalica_scores),
            Rival("statsmodels", prepare_logit, statsmodels_scores),
        ),
    ),
    Task("Bradley-Terry, decided", decided_only, (Rival("choix", prepare_choix, choix_scores),)),
    Task("Bradley-Terry, everything", whole_bradley_terry),
    Task("alpha", alpha, (Rival("evalica", prepare_ratings, evalica_alpha),)),
    Task("1,000 two-way resamples", resampled),
    Task("mixed model", lambda data: glmm(records(data)).intercept),
)


def timed(compute: Callable[[Any], Any], given: Any) -> tuple[float, Any]:
    """Return the best time of several runs, or of one that is long, and the answer."""
    best = np.inf
    for _ in range(REPEATS):
        began = time.perf_counter()
        answer = compute(given)
        took = time.perf_counter() - began
        best = min(best, took)
        if took > LONG:
            break
    return best, answer


def wanted(task: str, n: int) -> int:
    """Return how many times as long a rival has to take."""
    return TIMES if task.startswith(FAST) and n >= MANY else 1


def lines(sizes: list[int], missed: list[str], *, slow: bool) -> Iterator[str]:
    """Yield the table, a row for each task, size and rival; ``missed`` gets what is below its target."""
    expected: dict[tuple[str, str], float] = {}
    yield f"{'task':28}{'judgments':>10}{'seconds':>10}  rivals: seconds (times as long; largest difference)"
    for task in TASKS:
        for n in sizes:
            data = judgments(n)
            seconds, answer = timed(task.compute, data)
            found = []
            for rival in task.rivals:
                key = (task.name, rival.name)
                if find_spec(rival.name) is None:
                    continue
                if expected.get(key, 0) * n > PATIENCE and not slow:
                    found.append(f"{rival.name} left out (about {expected[key] * n:.0f} s)")
                    continue
                took, other = timed(rival.compute, rival.prepare(data))
                expected[key] = took / n
                if took / seconds < wanted(task.name, n):
                    missed.append(
                        f"{task.name} at {n:,}: {rival.name} takes {took / seconds:.1f} times as long"
                    )
                gap = float(np.max(np.abs(np.asarray(answer) - np.asarray(other))))
                found.append(f"{rival.name} {took:.3g} ({took / seconds:.0f}; {gap:.0e})")
            yield f"{task.name:28}{n:>10,}{seconds:>10.4f}  {', '.join(found)}".rstrip()


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=list(SIZES), help="numbers of judgments")
    parser.add_argument("--slow", action="store_true", help="wait for every rival")
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    options = parser.parse_args()
    missing = [name for name in ("statsmodels", "evalica", "choix") if find_spec(name) is None]
    if missing:
        print(f"not installed and left out: {', '.join(missing)}")
    missed: list[str] = []
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for line in lines(options.n, missed, slow=options.slow):
        print(line, flush=True)
    for line in missed:
        print(f"below its target: {line}")
    return int(bool(missed) and options.check)


if __name__ == "__main__":
    sys.exit(main())
