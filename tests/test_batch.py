"""The batch arithmetic, by hand."""

import pytest

from r1cli.config.batch import BatchPlan, solve
from r1cli.errors import UserError


def test_by_hand() -> None:
    # 32 prompts x 8 = 256 completions; one process; 64 divides 256, so 4 passes of 64
    assert solve(32, 8, 64, 1) == BatchPlan(32, 8, 256, per_device=64, accumulation=4, processes=1)
    # two processes: 128 each; the largest divisor of 128 that is at most 48 is 32; 4 passes of 32
    assert solve(32, 8, 48, 2) == BatchPlan(32, 8, 256, per_device=32, accumulation=4, processes=2)
    # the paper: 32 x 16 = 512
    assert solve(32, 16, 8, 4) == BatchPlan(32, 16, 512, per_device=8, accumulation=16, processes=4)


def test_a_share_smaller_than_the_micro_batch_is_one_pass() -> None:
    # 2 x 3 = 6 completions, micro-batch 64: one pass of 6
    assert solve(2, 3, 64, 1)[3:5] == (6, 1)


def test_a_prime_share_falls_to_passes_of_one() -> None:
    # 13 x 1 is prime: only 1 and 13 divide it, and 13 is more than 4
    assert solve(13, 1, 4, 1)[3:5] == (1, 13)


def test_a_group_may_be_spread_over_processes() -> None:
    # 1 prompt x 8 completions over 4 processes: 2 each
    assert solve(1, 8, 8, 4)[3:5] == (2, 1)


@pytest.mark.parametrize("prompts", range(1, 12))
@pytest.mark.parametrize("group", [2, 3, 8, 16])
@pytest.mark.parametrize("micro", [1, 5, 8, 100])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_plans_add_up(prompts: int, group: int, micro: int, processes: int) -> None:
    if prompts * group % processes:
        with pytest.raises(UserError):
            solve(prompts, group, micro, processes)
        return
    plan = solve(prompts, group, micro, processes)
    assert plan.per_device * plan.accumulation * plan.processes == prompts * group == plan.completions
    assert 1 <= plan.per_device <= micro


def test_what_cannot_be_shared_names_the_nearest_that_can() -> None:
    # 32 x 8 = 256 is no multiple of 3; 33 x 8 = 264 = 3 x 88 is; 30 x 8 = 240 = 3 x 80 is further away
    with pytest.raises(
        UserError, match=r"256 completions cannot be shared evenly by launcher.processes \(3\)"
    ) as no:
        solve(32, 8, 64, 3)
    assert "stage.prompts_per_step=33" in str(no.value)
    # 1 x 2 over 8: 4 x 2 = 8 is the first that fits
    with pytest.raises(UserError, match=r"stage\.prompts_per_step=4"):
        solve(1, 2, 64, 8)


@pytest.mark.parametrize("numbers", [(0, 8, 8, 1), (8, 0, 8, 1), (8, 8, 0, 1), (8, 8, 8, 0), (-1, 8, 8, 1)])
def test_nothing_below_one(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(UserError, match="at least 1"):
        solve(*numbers)


def test_the_sentence_says_the_arithmetic() -> None:
    text = solve(32, 8, 48, 2).sentence()
    assert text == "32 prompts x 8 completions = 256 a step = 2 processes x 4 x 32 (passes x micro-batch)"
