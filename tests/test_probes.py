"""The measures of a base model, on texts counted by hand."""

import pytest

from r1cli.nano import probes

SEARCH = (
    "<think> 3 * 4 = 12 , 12 - 1 = 11 . check 11 vs 13 : no . wait , "
    "3 * 4 = 12 , 12 + 1 = 13 . check 13 vs 13 : yes . </think> <answer> ( 3 * 4 ) + 1 </answer>"
)
GUESS = "<think> 3 + 4 = 8 , 8 + 1 = 9 . </think> <answer> ( 3 + 4 ) + 1 </answer>"


def test_equations_are_counted_right_and_wrong() -> None:
    # SEARCH: 12, 11, 12, 13 right; GUESS: 3 + 4 = 8 wrong, 8 + 1 = 9 right
    found = probes.arithmetic([SEARCH, GUESS])
    assert (found.hits, found.cases) == (5, 6)


def test_checks_are_counted_both_ways() -> None:
    yes, no = probes.checks([SEARCH, "check 7 vs 7 : no . 查 5 比 6 : 对 . 查 5 比 5 : 对 ."])
    assert (yes.hits, yes.cases) == (2, 3), "13/13 yes, 7/7 no (wrong), 5/5 对"
    assert (no.hits, no.cases) == (1, 2), "11/13 no, 5/6 对 (wrong)"


def test_attempts_are_told_apart() -> None:
    assert probes.attempts(SEARCH) == ["3 * 4 = 12 , 12 - 1 = 11", "3 * 4 = 12 , 12 + 1 = 13"]
    assert probes.attempts("no sums here") == []


def test_a_probe_of_two_responses() -> None:
    found = probes.probe([SEARCH, GUESS], [True, False])
    assert found.attempts == 1.5
    assert (found.search.rate, found.guess.rate) == (1.0, 0.0)
    assert found.search_gain is None, "nothing to divide by"
    assert found.repeats.hits == 0
    assert found.numbers()["arithmetic"] == pytest.approx(5 / 6)


def test_search_gain_is_a_ratio() -> None:
    found = probes.probe([SEARCH, GUESS, GUESS, GUESS, GUESS], [True, True, False, False, False])
    assert found.search_gain == pytest.approx(1.0 / 0.25)


def test_nothing_said_is_nothing_measured() -> None:
    assert "arithmetic" not in probes.probe([""], [False]).numbers()
