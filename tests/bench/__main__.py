"""`python -m tests.bench [NAME…] [KEY=VALUE…]`: measure, and print what docs/results.md can show."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import seeds, startup, step, table

TITLES: dict[str, tuple[str, Callable[[Sequence[str], int], str]]] = {
    "startup": ("Commands that train nothing", startup.measure),
    "step": ("A training step", step.alone),
    "trl": ("Beside a plain TRL script", step.beside_trl),
    "threads": ("One thread and two", step.threads),
}

NOTES = """names: startup, step, trl (r1 beside a plain TRL script), threads (1 and 2), seeds (the table of
three full trainings: half an hour). Without a name: all of them. Overrides go to every `r1 train zero`, e.g.
`python -m tests.bench trl --steps 8 stage.micro_batch=16`."""


def arguments(words: Sequence[str]) -> tuple[argparse.Namespace, list[str], list[str]]:
    """Options, names of benchmarks, overrides."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__, epilog=NOTES)
    parser.add_argument("words", nargs="*", metavar="NAME or KEY=VALUE")
    parser.add_argument("--steps", type=int, default=6, help="of each timed run; the first is not counted")
    parser.add_argument("--rounds", type=int, default=2, help="of each timed run, in turns")
    parser.add_argument("--model", type=Path, help="a model directory in place of the embedded model")
    parser.add_argument("--keep", type=Path, help="seeds: folder in which the runs stay")
    parser.add_argument("--runs", type=Path, help="seeds: folder of finished runs; with --ids")
    parser.add_argument("--ids", nargs="+", help="seeds: finished runs, so that nothing is trained")
    options = parser.parse_intermixed_args(words)
    overrides = [word for word in options.words if "=" in word]
    names = [word for word in options.words if "=" not in word] or [*TITLES, "seeds"]
    if unknown := set(names) - {*TITLES, "seeds"}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(TITLES)}, seeds")
    if options.model is not None:
        overrides += [f"model.path={options.model}", "model.embedded=null"]
    return options, names, overrides


def main(words: Sequence[str]) -> None:
    """Print the machine, then a table for each name."""
    options, names, overrides = arguments(words)
    print(table.setting(["python", "-m", "tests.bench", *words]))
    for name in names:
        if name == "seeds":
            print("\n### Seeds\n", flush=True)
            known = options.ids and seeds.finished(options.runs or Path("runs"), options.ids)
            print(known or seeds.train(overrides, options.keep), flush=True)
            continue
        title, measure = TITLES[name]
        print(f"\n### {title}\n", flush=True)
        steps = [] if name == "startup" else [f"stage.steps={options.steps}"]
        print(measure([*overrides, *steps], options.rounds), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
