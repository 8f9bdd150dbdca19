"""`r1 runs`: which runs there are, and what one of them came to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from r1cli.runs.run import Run

app = typer.Typer(help="List runs, or show one.", invoke_without_command=True, no_args_is_help=False)

FOLDER = "Folder of the run directories."
COLORS = {
    "done": "green",
    "running": "cyan",
    "interrupted": "yellow",
    "failed": "red",
    "unreadable": "red",
}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback()
def listing(
    context: typer.Context,
    runs_dir: Annotated[Path, typer.Option(envvar="R1_RUNS", help=FOLDER)] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs, the oldest first."""
    if context.invoked_subcommand is not None:
        context.obj = (runs_dir, as_json)
        return
    from r1cli.cli.errors import guard
    from r1cli.runs import store

    with guard():
        rows = [_row(run) for run in store.runs(runs_dir)]
        if as_json:
            _print_json(rows)
        elif rows:
            _print(_table(rows))
        else:
            typer.echo(f"No runs in {runs_dir} yet. Start one with `r1 train zero`.")


@app.command()
def show(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Id, number, beginning of the id, or path.")],
    runs_dir: Annotated[Path | None, typer.Option(help=FOLDER, show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a run is, how it ended and what came out."""
    from r1cli.cli.errors import guard
    from r1cli.runs import store

    listed_dir, listed_json = context.obj  # what stood before `show`, and `R1_RUNS`
    with guard():
        found = store.find(runs_dir or listed_dir, run)
        if as_json or listed_json:
            _print_json(_details(found))
        else:
            for line in _page(found):
                typer.echo(line)


def _row(run: "Run") -> dict[str, Any]:
    """One run for the list. A manifest that cannot be read is listed as such: the others matter too."""
    from r1cli.errors import UserError

    try:
        manifest = run.manifest()
        status = run.status()
    except UserError as error:
        return {"id": run.id, "status": "unreadable", "reason": error.message}
    kept = ("stage", "model", "task", "reason", "seconds", "cost", "result", "attempts")
    fields = manifest.model_dump(mode="json", include={*kept, "created", "finished"})
    return {"id": manifest.id, "status": status, "dir": str(run.dir), **fields}


def _table(rows: list[dict[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from r1cli.report.text import clock, percent

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("run", "status", "model", "task"):
        table.add_column(title, overflow="fold", no_wrap=title in ("run", "status"))
    for title in ("steps", "accuracy", "time", "started"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        result: dict[str, float] = row.get("result", {})
        ends = [result[key] for key in ("accuracy_before", "accuracy_after") if key in result]
        table.add_row(
            row["id"],
            Text(row["status"], style=COLORS[row["status"]]),
            row.get("model", ""),
            row.get("task", ""),
            f"{result['steps']:.0f}" if "steps" in result else "",
            " → ".join(percent(share) for share in ends),
            clock(row["seconds"]) if row.get("seconds") else "",
            row.get("created", "")[:16].replace("T", " "),
        )
    return table


def _details(run: "Run") -> dict[str, Any]:
    """Everything `show` knows, as plain data."""
    from r1cli.report.summary import summarize

    summary = summarize(run)
    return {
        **run.manifest().model_dump(mode="json"),
        "status": run.status(),
        "dir": str(run.dir),
        "result": summary.result(),
        "verdict": summary.verdict(),
        "findings": [finding._asdict() for finding in summary.findings],
    }


def _page(run: "Run") -> list[str]:
    import shlex

    from r1cli.report.summary import summarize
    from r1cli.report.text import plain
    from r1cli.report.verdict import lines

    manifest = run.manifest().model_copy(update={"status": run.status()})
    made = [
        ("command", plain(shlex.join(manifest.command))),
        ("started", f"{manifest.created:%Y-%m-%d %H:%M} UTC, attempt {manifest.attempts}"),
        ("seed", str(manifest.seed)),
        ("config", f"{run.config} ({manifest.config_digest[:12]})"),
        ("commit", manifest.commit or "not run from a git commit"),
        ("machine", f"{manifest.machine.cpu}, {manifest.machine.cores} cores"),
        ("", ", ".join(manifest.machine.gpus)),
        ("parents", ", ".join(f"{name} {parent}" for name, parent in manifest.parents.items())),
        ("curves", str(run.curves) if run.curves.exists() else ""),
    ]
    head = f"{manifest.id}: {manifest.stage}, {manifest.model} on {manifest.task}, {manifest.status}"
    body = lines(summarize(run), manifest, str(run.dir))
    return [head, "", *body, "", *(f"{name:<10}{text}" for name, text in made if text)]


def _print(table: "Table") -> None:
    import sys

    from rich.console import Console

    # Into a pipe or a file a table is as wide as it needs to be; and names are not markup.
    width = None if sys.stdout.isatty() else 200
    Console(markup=False, highlight=False, width=width).print(table)


def _print_json(value: object) -> None:
    from r1cli.runs.files import to_json

    typer.echo(to_json(value, indent=2))
