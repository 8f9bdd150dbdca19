"""Generated problems: solvable, within the settings, split without a leak, the same for the same seed."""

import random
from collections import Counter
from typing import Any

import pytest

from r1cli.config.task_schema import CountdownTask
from r1cli.errors import UserError
from r1cli.problem import Problem, Status
from r1cli.tasks import load
from r1cli.tasks.countdown import expression, is_heldout
from r1cli.verifiers import VERIFIERS

SETTINGS: dict[str, Any] = {
    "kind": "countdown",
    "name": "countdown",
    "numbers": {3: 1.0},
    "low": 1,
    "high": 9,
    "operations": ["+", "-", "*"],
    "target_low": 1,
    "target_high": 100,
    "largest_value": None,
    "heldout_share": 0.1,
}


def config(**changes: Any) -> CountdownTask:
    return CountdownTask(**(SETTINGS | changes))


def canonical(problem: Problem) -> tuple[list[int], int]:
    return sorted(problem.meta["numbers"]), problem.meta["target"]


def test_a_problem_by_hand() -> None:
    problem = load(config(), seed=0).train(1)[0]
    numbers, target = problem.meta["numbers"], problem.meta["target"]
    assert problem.id == f"countdown:{numbers[0]},{numbers[1]},{numbers[2]}={target}"
    assert problem.question == f"make {target} from {numbers[0]} {numbers[1]} {numbers[2]} ."
    assert f"equals {target}" in problem.meta["statement"]


@pytest.mark.parametrize("operations", [["+", "-", "*"], ["+", "-", "*", "/"], ["+"], ["/", "-"]])
def test_every_gold_answer_satisfies_the_verifier(operations: list[str]) -> None:
    task = load(config(numbers={2: 0.2, 3: 0.4, 4: 0.4}, operations=operations, target_low=0), seed=1)
    for problem in task.train(200) + task.heldout(20):
        assert VERIFIERS["countdown"](problem, problem.answer).status is Status.RIGHT
        assert set("+-*/") & set(problem.answer) <= set(operations)


def test_problems_keep_to_the_ranges() -> None:
    task = load(config(numbers={2: 1.0, 4: 3.0}, low=3, high=12, target_low=10, target_high=20), seed=1)
    problems = task.train(400)
    assert {n for p in problems for n in p.meta["numbers"]} <= set(range(3, 13))
    assert {p.meta["target"] for p in problems} <= set(range(10, 21))
    sizes = Counter(len(p.meta["numbers"]) for p in problems)
    assert set(sizes) == {2, 4}
    assert sizes[4] > sizes[2]


def test_training_and_held_out_problems_share_no_permutation() -> None:
    task = load(config(), seed=5)
    train, heldout = task.train(3000), task.heldout(200)
    assert {str(canonical(p)) for p in train}.isdisjoint(str(canonical(p)) for p in heldout)
    assert len(heldout) == len({p.id for p in heldout}) == 200


def test_the_split_is_by_hash_and_grows_with_the_share() -> None:
    # sha256("[1, 3, 4] 13") begins with 4cd893ec: 0.3002 of all hashes lie below
    assert not is_heldout([3, 4, 1], 13, 0.300)
    assert is_heldout([3, 4, 1], 13, 0.301)
    assert is_heldout([4, 1, 3], 13, 0.301)
    draws = [(sorted(random.Random(i).choices(range(1, 10), k=3)), i) for i in range(4000)]
    assert sum(is_heldout(n, t, 0.1) for n, t in draws) / 4000 == pytest.approx(0.1, abs=0.02)


def test_seeds_choose_training_problems_only() -> None:
    one, other = load(config(), seed=1), load(config(), seed=2)
    assert [p.id for p in one.train(50)] == [p.id for p in load(config(), seed=1).train(50)]
    assert [p.id for p in one.train(50)] != [p.id for p in other.train(50)]
    assert [p.id for p in one.heldout(50)] == [p.id for p in other.heldout(50)]
    assert [p.id for p in one.heldout(50)][:20] == [p.id for p in one.heldout(20)]


def test_train_does_not_repeat_while_there_are_new_problems() -> None:
    problems = load(config(), seed=3).train(2000)
    assert len({p.id for p in problems}) == 2000


def test_a_small_range_repeats_for_training_and_runs_out_for_evaluation() -> None:
    # 2 numbers from 1 to 3 with +: 9 ordered pairs, (1,1) … (3,3)
    task = load(config(numbers={2: 1.0}, high=3, operations=["+"], heldout_share=0.5), seed=0)
    train, heldout = task.train(100), task.heldout(100)
    different = len({p.id for p in train})
    assert len(train) == 100
    assert different + len(heldout) == 9
    assert len({p.id for p in train[:different]}) == different  # all of them come before any comes again


def test_impossible_settings_are_explained() -> None:
    with pytest.raises(UserError, match=r"has no training problem.*reach no target from 500 to 600"):
        load(config(operations=["+"], target_low=500, target_high=600), seed=0).train(1)
    with pytest.raises(UserError, match="has no held-out problem"):
        load(config(numbers={2: 1.0}, high=1, operations=["+"], heldout_share=1e-9), seed=0).heldout(1)


def test_no_problem_asked_for_is_none_made() -> None:
    task = load(config(), seed=0)
    assert task.train(0) == task.heldout(0) == []
    assert task.size is None


def test_intermediate_results_are_whole_and_not_negative() -> None:
    rng = random.Random(0)
    found = [expression(rng, [2, 7], ["-", "/"]) for _ in range(50)]
    assert {node.text for node in found if node} == {"7 - 2"}
    assert expression(rng, [2, 7], ["/"]) is None
    assert expression(rng, [7, 0], ["/"]) is None
    assert expression(rng, [8, 2], ["/"]) == (4, "8 / 2")


def test_every_expression_over_the_numbers_comes_up() -> None:
    rng = random.Random(0)
    values = {node.value for _ in range(2000) if (node := expression(rng, [3, 4, 1], ["+", "-", "*"]))}
    # 7 and 1: 8 6 7; 12 and 1: 13 11 12; 1 and 1: 2 0 1; 4 and 4: 8 0 16; 3 and 4: 7 1 12; 2 and 4: 6 2 8;
    # 5 and 3: 8 2 15; 4 and 3: 7 1 12; 3 and 3: 6 0 9
    assert values == {0, 1, 2, 6, 7, 8, 9, 11, 12, 13, 15, 16}


def test_no_value_on_the_way_goes_above_the_bound() -> None:
    for problem in load(config(largest_value=20, target_high=20), seed=0).train(200):
        inner = problem.answer[problem.answer.index("(") + 1 : problem.answer.index(")")]
        left, sign, right = inner.split()
        value = {"+": int(left) + int(right), "-": int(left) - int(right), "*": int(left) * int(right)}[sign]
        assert value <= 20, problem.answer
