"""`curves.png`: accuracy and length above, reflection, reward and entropy below."""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from r1cli.report.rows import History, Row, Series, history, mean, number, reward_terms, series
from r1cli.report.text import count, percent
from r1cli.runs.files import read_jsonl, write_bytes
from r1cli.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES = (10.0, 6.3)
LOW = (10.0, 3.6)
"""Of the one panel of a stage without reward."""
DPI = 200
"""2,000 pixels wide; a README shows it at about 880, where 10 points are 12 pixels high."""
INK, SOFT, GRID = "#1f2430", "#6b7280", "#e5e7eb"
GREEN, BLUE, PURPLE, ORANGE, RED = "#15803d", "#1d4ed8", "#7e22ce", "#c2410c", "#b91c1c"
CYCLE = (GREEN, ORANGE, BLUE, PURPLE, RED)
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif", "font.size": 10, "text.color": INK, "axes.titlesize": 11.5,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlecolor": INK, "axes.labelcolor": SOFT,
    "axes.edgecolor": "#9ca3af", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "axes.titlepad": 8, "grid.color": GRID, "xtick.color": SOFT, "ytick.color": SOFT,
    "xtick.major.size": 0, "ytick.major.size": 0, "legend.frameon": False, "legend.fontsize": 9,
    "legend.labelcolor": INK, "legend.handlelength": 1.4, "lines.solid_capstyle": "round",
    "text.usetex": False,
}  # fmt: skip


class Curve(NamedTuple):
    """One metric in a panel: its smoothed course while training, its evaluations as points."""

    key: str
    label: str
    color: str
    style: str = "-"


def draw(run: Run) -> None:
    """Write `curves.png` of a run, finished or not; without any row nothing is written.

    Raises:
        UserError: the disk is full or the place may not be written.
    """
    rows = read_jsonl(run.metrics)
    manifest = run.manifest()
    if rows:
        title = f"r1 train {manifest.stage}: {manifest.model} on {manifest.task}"
        write_bytes(run.curves, picture(rows, title, manifest.id))


def picture(rows: Iterable[Row], title: str, note: str = "") -> bytes:
    """The curves of these rows as PNG; `note` stands small in the corner."""
    # Not pyplot: its global figures and its choice of a screen backend do not belong in a training process.
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    past = history(rows)
    with rc_context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.1, hspace=0.03)
        judged = past.evals or reward_terms(past.train)
        figure = Figure(figsize=INCHES if judged else LOW, dpi=DPI, layout=layout, facecolor="white")
        _heading(figure, past, title, note)
        if judged:
            _panels(figure, past)
        else:
            _loss(figure.add_subplot(), past)
        file = io.BytesIO()
        figure.savefig(file, format="png")
    return file.getvalue()


def _panels(figure: "Figure", past: History) -> None:
    grid = figure.add_gridspec(2, 6, height_ratios=(1.25, 1))
    _accuracy(figure.add_subplot(grid[0, :3]), past)
    _length(figure.add_subplot(grid[0, 3:]), past)
    _aha(figure.add_subplot(grid[1, :2]), past)
    _reward(figure.add_subplot(grid[1, 2:4]), past)
    _entropy(figure.add_subplot(grid[1, 4:]), past)


def _heading(figure: "Figure", past: History, title: str, note: str) -> None:
    figure.suptitle(title, x=0.012, ha="left", fontsize=14, fontweight="bold", color=INK)
    last = past.train[-1] if past.train else {}
    tokens = number(last, "tokens/completion")
    parts = [note, f"{count(tokens)} generated tokens" if tokens else ""]
    corner = 1 - 0.14 / figure.get_figheight()
    small = "  ·  ".join(part for part in parts if part)
    figure.text(0.988, corner, small, ha="right", va="top", fontsize=9, color=SOFT)


# ── panels ───────────────────────────────────────────────────────────────────────────────────────────────


def _accuracy(axes: "Axes", past: History) -> None:
    _curves(axes, past, [Curve("accuracy", "training prompts", GREEN)])
    points = series(past.evals, "eval/accuracy")
    low, high = series(past.evals, "eval/ci_low"), series(past.evals, "eval/ci_high")
    if points.steps and points.steps == low.steps == high.steps:
        below = [max(0.0, value - bound) for value, bound in zip(points.values, low.values, strict=True)]
        above = [max(0.0, bound - value) for value, bound in zip(points.values, high.values, strict=True)]
        axes.errorbar(
            points.steps, points.values, yerr=[below, above], fmt="o", color=INK, markersize=5.5, capsize=3,
            elinewidth=1.3, zorder=4, label="held out, sampled, 95% interval", clip_on=False,
        )  # fmt: skip
        for place in sorted({0, len(points.steps) - 1}):
            _mark(axes, points.steps[place], high.values[place], percent(points.values[place]))
    else:
        _points(axes, past, "accuracy", INK, "held out, sampled")
    _shares(axes, [*high.values, *points.values, *series(past.train, "accuracy").values])
    _finish(axes, past, "Accuracy (pass@1)")


def _length(axes: "Axes", past: History) -> None:
    _curves(axes, past, [
        Curve("response_length/incorrect", "wrong", RED, "--"),
        Curve("response_length/mean", "all", BLUE),
        Curve("response_length/correct", "right", GREEN, "--"),
    ])  # fmt: skip
    _points(axes, past, "response_length/mean", INK, "held out")
    axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
    _finish(axes, past, "Response length (tokens)", columns=2)


def _aha(axes: "Axes", past: History) -> None:
    _curves(axes, past, [
        Curve("aha/deepseek_share", "DeepSeek's 10 words", PURPLE),
        Curve("aha/strict_share", "strict pool of 15", ORANGE),
    ])  # fmt: skip
    for key, color in (("aha/deepseek_share", PURPLE), ("aha/strict_share", ORANGE)):
        _points(axes, past, key, color, None)
    keys = [f"{kind}aha/{pool}_share" for kind in ("", "eval/") for pool in ("deepseek", "strict")]
    _shares(axes, [value for key in keys for rows in past for value in series(rows, key).values])
    _finish(axes, past, "Responses with reflection")


def _reward(axes: "Axes", past: History) -> None:
    names = reward_terms(past.train)
    colors = [CYCLE[place % len(CYCLE)] for place in range(len(names))]
    _curves(axes, past, [Curve(f"reward/{n}", n, c) for n, c in zip(names, colors, strict=True)])
    _finish(axes, past, "Reward, by term", "best")


def _entropy(axes: "Axes", past: History) -> None:
    _curves(axes, past, [Curve("entropy", "", INK)])
    axes.set_ylim(bottom=0)
    _finish(axes, past, "Entropy (nats per token)")


def _loss(axes: "Axes", past: History) -> None:
    _curves(axes, past, [Curve("loss", "", BLUE)])
    axes.set_ylim(bottom=0)
    _finish(axes, past, "Loss (nats per token)")


# ── pieces ───────────────────────────────────────────────────────────────────────────────────────────────


def smooth(line: Series) -> Series:
    """Centred mean over a twentieth of the points, narrower at the start, where a run changes fastest."""
    halves = [min(len(line.values) // 40, place) for place in range(len(line.values))]
    return Series(line.steps, [mean(line.values[i - half : i + half + 1]) for i, half in enumerate(halves)])


def _curves(axes: "Axes", past: History, curves: Sequence[Curve]) -> None:
    """Every step thin and pale, the smoothed course strong. A single step becomes a dot."""
    for curve in curves:
        raw = series(past.train, curve.key)
        if not raw.steps:
            continue
        lone = "o" if len(raw.steps) == 1 else ""
        axes.plot(raw.steps, raw.values, color=curve.color, alpha=0.22, linewidth=0.9)
        line = smooth(raw)
        width = 2.2 if curve.style == "-" else 1.5
        look: dict[str, Any] = {"color": curve.color, "linestyle": curve.style, "marker": lone}
        axes.plot(line.steps, line.values, linewidth=width, label=curve.label or None, **look)


def _points(axes: "Axes", past: History, key: str, color: str, label: str | None) -> None:
    points = series(past.evals, f"eval/{key}")
    if points.steps:
        look: dict[str, Any] = {"color": color, "markersize": 4.5, "zorder": 4, "clip_on": False}
        axes.plot(points.steps, points.values, "o", label=label, **look)


def _mark(axes: "Axes", step: int, above: float, label: str) -> None:
    # The first label starts at its point, as centred it would lie over the axis.
    axes.annotate(
        label, (step, above), xytext=(-4 if step == 0 else 0, 5), textcoords="offset points", color=INK,
        ha="left" if step == 0 else "center", fontsize=10.5, fontweight="bold", annotation_clip=False,
    )  # fmt: skip


def _shares(axes: "Axes", values: Sequence[float]) -> None:
    """Percent from 0, with room above for the legend; small shares get a scale of their own."""
    from matplotlib.ticker import PercentFormatter

    top = max([0.04, *values])
    axes.set_ylim(0, 1.35 * top)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    if top > 0.5:
        axes.set_yticks([place / 5 for place in range(6)])


def _finish(axes: "Axes", past: History, title: str, legend: str = "upper left", columns: int = 1) -> None:
    """Title, the same steps in every panel, the legend."""
    from matplotlib.ticker import MaxNLocator

    last = max([1, *(row["step"] for kind in past for row in kind[-1:])])
    axes.set_xlim(-0.03 * last, 1.03 * last)

    axes.set_title(title)
    axes.grid(axis="x", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.set_xlabel("step")
    if not axes.lines:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=SOFT)
        axes.set_yticks([])
    elif axes.get_legend_handles_labels()[1]:
        axes.legend(loc=cast(Any, legend), ncols=columns, borderaxespad=0.2, columnspacing=1.2)
