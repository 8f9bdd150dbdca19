"""Verdicts -> figures with their uncertainty: intervals for pass@1, and pass@k."""

import math
from collections.abc import Sequence
from typing import NamedTuple

Z95 = 1.959964
"""Two-sided 95% point of the normal distribution."""


class Interval(NamedTuple):
    """A confidence interval of a share, both ends within 0 and 1."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A mean over problems with its 95% interval."""

    mean: float
    low: float
    high: float
    n_problems: int
    n_samples: int


def wilson(successes: float, n: float, z: float = Z95) -> Interval:
    """Wilson's score interval of a share of `n` trials (Wilson 1927); (0, 1) when there was no trial.

    Unlike mean +- 1.96 standard errors it holds at 0 and 1 and for small n. Both numbers may be fractions,
    for an effective n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be between 0 and n, got {successes} of {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # At p of 0 or 1 the end is exact; rounding may leave 1e-17 on the wrong side of it.
    return Interval(max(0.0, centre - half) if p > 0 else 0.0, min(1.0, centre + half) if p < 1 else 1.0)


def mean_ci_clustered(scores_by_problem: Sequence[Sequence[float]]) -> Estimate:
    """Mean of the problems' mean scores (pass@1) with a 95% interval that treats problems as clusters.

    Scores are 0 to 1. Samples of one problem are not independent, so the interval is Wilson's with the
    effective number of trials P * p(1 - p) / Var(problem means), P problems: it is P when each problem has
    one sample or its samples always agree, and the number of samples when problems do not differ (Miller
    2024, arXiv 2411.00640, clustered standard error). When all scores are 0 or all are 1 it is P. Problems
    without scores are left out; with none at all the mean is NaN and the interval (0, 1).
    """
    means = [math.fsum(scores) / len(scores) for scores in scores_by_problem if scores]
    samples = sum(len(scores) for scores in scores_by_problem)
    if not means:
        return Estimate(math.nan, 0.0, 1.0, 0, 0)
    problems = len(means)
    # fsum of equal means may exceed them by a rounding error
    mean = min(1.0, math.fsum(means) / problems)
    variance = math.fsum((m - mean) ** 2 for m in means) / problems
    spread = mean * (1 - mean)
    trials: float = problems
    if spread > 0:
        trials = samples if variance == 0 else min(samples, problems * spread / variance)
    low, high = wilson(mean * trials, trials)
    return Estimate(mean, low, high, problems, samples)


def pass_at_k(correct: int, total: int, k: int) -> float:
    """Chance that at least one of k samples is right, unbiased: 1 - C(n - c, k) / C(n, k).

    Chen et al. 2021 (arXiv 2107.03374), eq. 1. NaN when fewer than k samples were judged: no estimate exists.
    """
    if not 0 <= correct <= total or k < 1:
        raise ValueError(f"need 0 <= correct <= total and k >= 1, got {correct} of {total}, k = {k}")
    if total < k:
        return math.nan
    return 1.0 - math.comb(total - correct, k) / math.comb(total, k)
