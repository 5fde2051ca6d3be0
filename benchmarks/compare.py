"""From records of `python -m benchmarks --out` to the README's table, and a plot of ns per step against size.

usage: python -m benchmarks.compare FILE … [--groups NAME …] [--png benchmarks/results/ns_per_step.png]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import Record, Report, read_report
from benchmarks.table import fit_line, heading
from jaxbragg.io.errors import FileError


def markdown(reports: Sequence[Report], groups: Sequence[str] | None = None) -> str:
    """The records of all reports as one Markdown table, each report's machine above it."""
    lines = []
    for number, report in enumerate(reports, 1):
        mark = f"[{number}] " if len(reports) > 1 else ""
        lines += [f"- {mark}{'; '.join(heading(report))}; {report.date[:10]}"]
    lines += ["", "| case | mode | by | ns per step | error | × textbook | of peak | seconds | memory |"]
    lines += ["|---|---|---|--:|--:|--:|--:|--:|--:|"]
    for number, report in enumerate(reports, 1):
        mark = f"[{number}] " if len(reports) > 1 else ""
        lines += [_row(mark, record) for record in report.records if groups is None or record.group in groups]
    fits = [f"- {fit_line(fit)}" for report in reports for fit in report.fits if groups is None or fit.group in groups]
    return "\n".join([*lines, *([""] if fits else []), *fits]) + "\n"


def plot(reports: Sequence[Report], path: str | Path) -> int:
    """Draw ns per step against the pixels of the image, a line for each implementation; how many lines there are."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    series = lines_of(reports)
    for label, points in series.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="pixels", ylabel="ns per step")
    axes.grid(visible=True, which="both", alpha=0.3)
    if series:
        axes.legend()
    figure.savefig(path, dpi=150)
    return len(series)


def lines_of(reports: Sequence[Report]) -> dict[str, list[tuple[int, float]]]:
    """Points (pixels, ns per step) of each implementation, of the groups in which the size grows."""
    series: dict[str, list[tuple[int, float]]] = {}
    for report in reports:
        where = f", {report.device['kind']}" if len(reports) > 1 else ""
        for record in report.records:
            if record.group in ("pixels", "detectors") and record.mode == "forward" and record.ns_per_step is not None:
                name = f"{record.implementation}, {record.group}{where}"
                series.setdefault(name, []).append((record.pixels, record.ns_per_step))
    return {name: sorted(points) for name, points in series.items()}


def _row(mark: str, record: Record) -> str:
    whole = record.peak_rss if record.peak_device is None else record.peak_device
    memory = record.temp_bytes if whole is None else whole
    cells = (
        f"{mark}{record.case}: {record.about}",
        record.mode,
        record.implementation,
        _number(record.ns_per_step, ".3g"),
        _number(record.error, ".1e"),
        _number(record.ratio_to_textbook, ".1f"),
        "–" if record.share_of_peak is None else f"{100 * record.share_of_peak:.0f} %",
        f"{record.run_s['median']:.3g}",
        "–" if memory is None else f"{memory / 1e6:.0f} MB{' beside the image' if whole is None else ''}",
    )
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE", help="of python -m benchmarks --out")
    parser.add_argument("--groups", nargs="+", metavar="NAME", help="only these groups of cases")
    parser.add_argument("--png", metavar="FILE", help="draw the plot there; needs matplotlib")
    chosen = parser.parse_args()
    try:
        reports = [read_report(path) for path in chosen.files]
    except FileError as error:
        print(error, file=sys.stderr)
        return 1
    print(markdown(reports, chosen.groups), end="")
    if chosen.png and not plot(reports, chosen.png):
        print("an empty plot: the records hold no case of the groups pixels and detectors", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
