"""Intervals and pass@k against numbers worked out by hand or taken from a table."""

import math
import random

import pytest

from r1cli.metrics.estimators import mean_ci_clustered, pass_at_k, wilson


def test_wilson_by_hand() -> None:
    # p = 0.5, n = 10, z^2 = 3.8415: centre 0.5; half = 1.96 * sqrt(0.025 + 3.8415 / 400) / 1.38415 = 0.26341
    assert wilson(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-5)


def test_wilson_at_the_ends() -> None:
    # 0 of 10: high = z^2 / (n + z^2) = 3.8415 / 13.8415 = 0.27753
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)
    assert (wilson(0, 10).low, wilson(10, 10).high, *wilson(0, 0)) == (0.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, -1)])
def test_wilson_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(successes, n)


def test_one_sample_a_problem_is_wilson() -> None:
    estimate = mean_ci_clustered([[1.0]] * 3 + [[0.0]] * 7)
    assert estimate.mean == pytest.approx(0.3)
    assert (estimate.low, estimate.high) == pytest.approx(wilson(3, 10))
    assert (estimate.n_problems, estimate.n_samples) == (10, 10)


def test_samples_that_always_agree_count_once() -> None:
    once = mean_ci_clustered([[1.0]] * 3 + [[0.0]] * 7)
    four = mean_ci_clustered([[1.0] * 4] * 3 + [[0.0] * 4] * 7)
    assert four[:3] == pytest.approx(once[:3])
    assert four.n_samples == 40


def test_problems_that_do_not_differ_count_every_sample() -> None:
    estimate = mean_ci_clustered([[1.0, 0.0]] * 10)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.5, *wilson(10, 20)))


def test_the_effective_number_by_hand() -> None:
    # means 1, 0.5, 0.5, 0: mean 0.5, variance (0.25 + 0 + 0 + 0.25) / 4 = 0.125; 4 * 0.25 / 0.125 = 8 trials
    estimate = mean_ci_clustered([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.5, *wilson(4, 8)))


def test_problems_weigh_alike_whatever_their_samples() -> None:
    assert mean_ci_clustered([[1.0] * 9, [0.0]]).mean == 0.5


def test_all_right_is_as_sure_as_there_are_problems() -> None:
    assert mean_ci_clustered([[1.0] * 8] * 5)[:3] == pytest.approx((1.0, *wilson(5, 5)))


def test_nothing_judged_is_no_figure() -> None:
    estimate = mean_ci_clustered([[], []])
    assert math.isnan(estimate.mean)
    assert estimate[1:] == (0.0, 1.0, 0, 0)
    assert mean_ci_clustered([[1.0], []]).n_problems == 1


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    # problems of very different difficulty (U-shaped beta, mean 0.4), four samples each
    rng = random.Random(0)
    hits = 0
    for _ in range(300):
        rates = [rng.betavariate(0.4, 0.6) for _ in range(60)]
        estimate = mean_ci_clustered([[float(rng.random() < rate) for _ in range(4)] for rate in rates])
        hits += estimate.low <= 0.4 <= estimate.high
    assert 0.92 <= hits / 300 <= 0.98


def test_pass_at_k_by_hand() -> None:
    assert pass_at_k(1, 4, 1) == 0.25
    assert pass_at_k(1, 4, 2) == 0.5  # 1 - C(3, 2) / C(4, 2) = 1 - 3 / 6
    assert pass_at_k(2, 5, 3) == pytest.approx(0.9)  # 1 - C(3, 3) / C(5, 3) = 1 - 1 / 10
    assert pass_at_k(3, 4, 2) == 1.0  # fewer wrong ones than k
    assert pass_at_k(0, 4, 4) == 0.0


def test_pass_at_k_without_enough_samples_is_undefined() -> None:
    assert math.isnan(pass_at_k(2, 2, 3))
    with pytest.raises(ValueError, match="correct <= total"):
        pass_at_k(3, 2, 1)
