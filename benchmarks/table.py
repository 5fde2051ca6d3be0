"""A run as lines of text, printed while it runs."""

from collections.abc import Iterator

from benchmarks.cases import CASES, GROUPS
from benchmarks.record import Fit, Record, Report

HEADER = (
    f"{'case':<20} {'mode':<9} {'by':<14} {'ns/step':>9} {'error':>8} {'× textbook':>10} {'of peak':>8} "
    f"{'median s':>9} {'compile s':>9} {'temp MB':>8} {'peak MB':>8}"
)


def row(record: Record) -> str:
    """One measurement in columns; a dash for what there is not."""
    peak = record.peak_rss if record.peak_device is None else record.peak_device
    cells = (
        _cell(record.ns_per_step, "9.4g"),
        _cell(record.error, "8.1e"),
        _cell(record.ratio_to_textbook, "10.1f"),
        _cell(None if record.share_of_peak is None else 100 * record.share_of_peak, "6.1f", " %"),
        _cell(record.run_s["median"], "9.4f"),
        _cell(record.compile_s, "9.2f"),
        _cell(None if record.temp_bytes is None else record.temp_bytes / 1e6, "8.1f"),
        _cell(None if peak is None else peak / 1e6, "8.0f"),
    )
    note = f"  {record.note}" if record.note else ""
    return f"{record.case:<20} {record.mode:<9} {record.implementation:<14} {' '.join(cells)}{note}"


def fit_line(fit: Fit) -> str:
    """What a line through a group says."""
    return (
        f"{fit.group}, {fit.implementation}: {fit.slope_ns:.3f} ns for each step and {fit.fixed_s * 1e3:.1f} ms "
        f"besides; no time is further than {100 * fit.scatter:.0f} % from that line"
    )


def heading(report: Report) -> Iterator[str]:
    """Where and of what."""
    commit = "no checkout" if report.commit is None else report.commit[:10] + (" and changes" if report.dirty else "")
    device, machine = report.device, report.machine
    where = f"{device['count']} × {device['kind']} ({device['platform']})"
    yield f"jaxbragg {commit}, jax {report.versions['jax']}, {where}"
    yield f"{machine['cores']} cores of {machine['cpu']}; XLA_FLAGS={report.xla_flags or '(none)'}"
    if report.peak is not None:
        single, double = report.peak.single / 1e9, report.peak.double / 1e9
        rates = f"{single:.0f} G multiply-adds/s in float32, {double:.0f} in float64"
        yield f"peak: {rates} ({report.peak.threads} thread(s))"


def list_cases() -> Iterator[str]:
    """Every case, group by group."""
    for group, names in GROUPS.items():
        yield f"{group}:"
        yield from (f"  {name:<22}{CASES[name].about}" for name in names)


def _cell(value: float | None, form: str, unit: str = "") -> str:
    width = int(form.partition(".")[0]) + len(unit)
    return "–".rjust(width) if value is None else f"{value:{form}}{unit}"
