"""The last words of a run in the terminal."""

from collections.abc import Callable, Sequence

from r1cli.report.diagnose import Finding
from r1cli.report.summary import Change, Summary
from r1cli.report.text import count, dollars, duration, percent, plain
from r1cli.runs.manifest import Manifest


def lines(summary: Summary, manifest: Manifest, where: str) -> list[str]:
    """The verdict, about eight lines; `where` is the run directory as the user would type it."""
    named: list[tuple[str, str]] = []
    if summary.loss.before is None or summary.before is not None:
        named.append(("accuracy", _accuracy_text(summary)))
    else:
        named.append(("loss", _arrow(summary.loss, "{:.3f}".format)))
    length, deepseek, strict = (summary.changes[name] for name in ("length", "aha_deepseek", "aha_strict"))
    if length.before is not None:
        named.append(("length", f"{_arrow(length, lambda value: f'{value:.1f}')} tokens"))
    if deepseek.before is not None:
        named.append(("aha", f"{_arrow(deepseek, percent)} of responses have a word of DeepSeek's list"))
    if strict.before is not None:
        named.append(("", f"{_arrow(strict, percent)} have one of the strict pool"))
    named += [("time", _time_text(summary)), ("cost", _cost_text(summary)), ("run", where)]
    bad = manifest.status in ("failed", "interrupted")
    ended = [f"{manifest.status}: {plain(manifest.reason or 'no reason is known')}"] if bad else []
    return [*ended, *(f"{name:<10}{text}" for name, text in named if text), *_why(_told(summary, manifest))]


def _told(summary: Summary, manifest: Manifest) -> Sequence[Finding]:
    """What is said of the reward: of a run that was interrupted only that its verifier fails."""
    early = manifest.status == "interrupted"
    return [finding for finding in summary.findings if not early or finding.code == "infra_errors"]


def _accuracy_text(summary: Summary) -> str:
    if summary.before is None or summary.after is None:
        return "  ".join(filter(None, [str(summary.before or ""), summary.verdict()]))
    samples = f", n={summary.after.samples}" if summary.after.samples else ""
    return f"{summary.before} → {summary.after}  {summary.verdict()} (held out, sampled{samples})"


def _arrow(change: Change, form: Callable[[float], str]) -> str:
    texts = [form(value) for value in change if value is not None]
    return " → ".join(texts)


def _time_text(summary: Summary) -> str:
    shares = ", ".join(f"{name} {100 * share:.0f}%" for name, share in summary.shares.items())
    steps = f"{summary.steps} step{'' if summary.steps == 1 else 's'}"
    return f"{duration(summary.seconds)} for {steps}" + (f" ({shares})" if shares else "")


def _cost_text(summary: Summary) -> str:
    parts = []
    if summary.tokens is not None:
        parts.append(f"{count(summary.tokens)} tokens")
    if "device_seconds" in summary.cost:
        parts.append(f"{summary.cost['device_seconds'] / 3600:.2f} device hours")
    if "usd" in summary.cost:
        parts.append(dollars(summary.cost["usd"]))
    return ", ".join(parts)


def _why(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    flat = any(finding.code != "infra_errors" for finding in findings)
    head = "The reward did not rise. What the numbers show:" if flat else "Note:"
    return [head, *(f"  - {finding.message}. {finding.hint}" for finding in findings)]
