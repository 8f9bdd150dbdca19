"""The batch arithmetic of GRPO: prompts and group size to per-device batch and accumulation."""

from math import gcd
from typing import NamedTuple

from r1cli.errors import UserError


class BatchPlan(NamedTuple):
    """How one update's completions are divided: `completions = per_device * accumulation * processes`."""

    prompts: int
    """Different prompts in one update, over all devices."""
    group: int
    """Completions per prompt."""
    completions: int
    """In one update: `prompts * group`."""
    per_device: int
    """Completions in one forward and backward pass on one device."""
    accumulation: int
    """Passes whose gradients are summed into one update."""
    processes: int
    """Devices that work side by side."""

    def sentence(self) -> str:
        """The arithmetic in one line, as `r1 train` prints it."""
        passes = f"{self.accumulation} x {self.per_device}"
        devices = f"{self.processes} process{'es' if self.processes > 1 else ''}"
        return (
            f"{self.prompts} prompts x {self.group} completions = {self.completions} a step "
            f"= {devices} x {passes} (passes x micro-batch)"
        )


def prompts_at_once(plan: BatchPlan, steps_per_generation: int | None) -> int:
    """Prompts of one generation; with fewer problems TRL would train no step and say nothing.

    Args:
        plan: the division of one update.
        steps_per_generation: TRL's own option, in passes; None generates for one update at a time.

    Raises:
        UserError: it is below 1, or leaves a group that is not whole.
    """
    if steps_per_generation is None:
        return plan.prompts
    at_once = plan.per_device * plan.processes
    whole = plan.group // gcd(at_once, plan.group)
    if steps_per_generation < 1 or steps_per_generation % whole:
        raise UserError(
            f"stage.trl.steps_per_generation={steps_per_generation}: so many passes of {at_once} completions "
            f"do not hold whole groups of stage.group_size ({plan.group}).",
            f"The nearest that does: stage.trl.steps_per_generation="
            f"{max(1, round(steps_per_generation / whole)) * whole}.",
        )
    return max(plan.prompts, at_once * steps_per_generation // plan.group)


def solve(prompts: int, group: int, micro_batch: int, processes: int) -> BatchPlan:
    """Divide an update evenly, with the largest micro-batch of at most `micro_batch` that leaves no rest.

    A group may be spread over passes and devices: TRL gathers all rewards before it averages groups.

    Args:
        prompts: different prompts in one update, over all devices.
        group: completions per prompt, at least 2 (the baseline of one alone is itself).
        micro_batch: most completions in one pass on one device.
        processes: devices.

    Raises:
        UserError: the completions cannot be shared out evenly; the nearest number of prompts is named.
    """
    if min(prompts, group, micro_batch, processes) < 1:
        raise UserError(
            f"prompts ({prompts}), group ({group}), micro-batch ({micro_batch}) and processes ({processes}) "
            "must all be at least 1."
        )
    completions = prompts * group
    if completions % processes:
        raise UserError(
            f"stage.prompts_per_step ({prompts}) x stage.group_size ({group}) = {completions} completions "
            f"cannot be shared evenly by launcher.processes ({processes}).",
            f"The nearest that can: stage.prompts_per_step={_nearest_prompts(prompts, group, processes)}.",
        )
    share = completions // processes
    per_device = max(size for size in range(1, min(micro_batch, share) + 1) if share % size == 0)
    return BatchPlan(prompts, group, completions, per_device, share // per_device, processes)


def _nearest_prompts(prompts: int, group: int, processes: int) -> int:
    """The nearest number of prompts whose completions `processes` divides; the smaller of a tie."""
    fitting = (n for n in range(1, prompts + processes + 1) if n * group % processes == 0)
    return min(fitting, key=lambda n: abs(n - prompts))
