"""Results as tables for a terminal, as a picture, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from bench.figures import CEILING, LOOP, Comparison, Facts, machine, spread_of
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.scenarios import Result

NOTHING = "-"
_FIGURES = ("cpu_ms", "events_per_second", "peak_mib")


def table_of(result: Result) -> Table:
    """Draw one scenario: medians, and in brackets least and most of the rounds."""
    return _comparison(result) if isinstance(result, Comparison) else _facts(result)


def _comparison(result: Comparison) -> Table:
    title = f"{result.name}: {result.about}"
    if result.ceiling_per_second is not None:
        title += f" (at most {result.ceiling_per_second:,.0f} events/s)"
    table = Table(
        "", "CPU ms an event", "events/s", "peak MiB", "CPU to the loop's", "events/s to the loop's", title=title
    )
    for name in result.rounds:
        row = [str(result.spread(name, what)) for what in _FIGURES]
        ratios = [result.ratio(name, what) for what in ("cpu_ms", "events_per_second")]
        table.add_row(name, *row, *(NOTHING if ratio is None else str(ratio) for ratio in ratios))
    return table


def _facts(result: Facts) -> Table:
    table = Table("", "", title=f"{result.name}: {result.about}", show_header=False)
    for name, values in result.rounds.items():
        table.add_row(name, str(spread_of(values)))
    return table


def markdown_of(result: Result) -> str:
    """Write one scenario as docs/performance.md has it."""
    if isinstance(result, Facts):
        rows = [f"| {name} | {spread_of(values)} |" for name, values in result.rounds.items()]
        return "\n".join([f"{result.about}:\n", "| | |", "|---|---|", *rows]) + "\n"
    heads = "| | CPU ms an event | events/s | peak MiB | CPU to the loop's | events/s to the loop's |"
    rows = [
        f"| {name} | {' | '.join(str(result.spread(name, what)) for what in _FIGURES)} "
        f"| {result.ratio(name, 'cpu_ms') or NOTHING} | {result.ratio(name, 'events_per_second') or NOTHING} |"
        for name in result.rounds
    ]
    return "\n".join([f"{result.about}:\n", heads, "|---|---|---|---|---|---|", *rows]) + "\n"


def write_json(results: Sequence[Result], path: Path) -> None:
    """Write everything that was measured, each round."""
    document: dict[str, Any] = {"machine": machine(), "scenarios": [result.document for result in results]}
    path.write_text(json.dumps(document, indent=2) + "\n")


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw CPU and rate of each contestant beside the loop's, with the spread of the rounds."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 (after the back end is chosen)

    comparisons = [result for result in results if isinstance(result, Comparison) and LOOP in result.rounds]
    if not comparisons:
        return
    figure, axes = plt.subplots(1, 2, figsize=(11, 1.2 + 0.42 * sum(len(each.rounds) for each in comparisons)))
    for axis, what, title in (
        (axes[0], "cpu_ms", "CPU an event, to the bare loop's (less is better)"),
        (axes[1], "events_per_second", "events/s, to the bare loop's (more is better)"),
    ):
        labels: list[str] = []
        for comparison in comparisons:
            for name in comparison.rounds:
                ratio = comparison.ratio(name, what)
                if ratio is None or name in (LOOP, CEILING):
                    continue
                spread = [[max(ratio.median - ratio.least, 0)], [max(ratio.most - ratio.median, 0)]]
                colour = "tab:blue" if name.startswith("the service") else "tab:grey"
                bar = {"left": 1.0, "xerr": spread, "color": colour, "alpha": 0.85, "error_kw": {"lw": 1}}
                axis.barh(len(labels), ratio.median - 1.0, **bar)
                labels.append(f"{comparison.name}: {name}")
        axis.axvline(1.0, color="black", linewidth=0.8)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_yticks(range(len(labels)), labels, fontsize=8)
        axis.invert_yaxis()
        axis.set_title(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
