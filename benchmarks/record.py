"""What is kept of a run: a record for each measurement, and what a figure is worthless without."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

from benchmarks.peak import Peak, cores
from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_text

_PACKAGES = ("jaxbragg", "jax", "jaxlib", "numpy", "equinox", "torch", "nanobrag_torch")


@dataclass(frozen=True)
class Record:
    """One case, mode and implementation.

    Attributes:
        case, group, about: The case.
        mode: What was asked for.
        implementation: Who answered.
        steps: Pixels × sources × orientations.
        pixels: Of all images.
        run_s: Median, least and most [s].
        ns_per_step: Of the median; None where nothing is drawn.
        lower_s, compile_s: Where they can be told apart.
        temp_bytes: Working memory as XLA planned it.
        peak_rss: Most memory of a process of its own [bytes].
        rss_before: What it held before it drew.
        peak_device: Most memory of a GPU that was in use in such a process [bytes].
        error: Against float64; `programs.error` says how it is counted.
        ratio_to_textbook: Times faster than the textbook formula in the same run.
        slots_per_step: Operations by width, and look-ups; `operations` says how they are counted.
        share_of_peak: Time that the slots would take at the measured rates, over the time that they took.
        note: What else there is to know.
        figures: More numbers of its group, by name.
    """

    case: str
    group: str
    about: str
    mode: str
    implementation: str
    steps: int
    pixels: int
    run_s: dict[str, float]
    ns_per_step: float | None = None
    lower_s: float | None = None
    compile_s: float | None = None
    temp_bytes: int | None = None
    peak_rss: int | None = None
    rss_before: int | None = None
    peak_device: int | None = None
    error: float | None = None
    ratio_to_textbook: float | None = None
    slots_per_step: dict[str, float] | None = None
    share_of_peak: float | None = None
    note: str | None = None
    figures: dict[str, float] | None = None


@dataclass(frozen=True)
class Fit:
    """Time against steps along a group: t = fixed + slope · steps, each relative error counting alike.

    With `against` by least squares of the times themselves, and R² beside it.

    Attributes:
        group: Whose cases they are.
        implementation: Who drew them.
        slope_ns: For one more step.
        fixed_s: For none.
        scatter: Largest difference from the line, over the time.
        against: What the times are held against instead of steps.
        r_squared: Share of the times' variance that the line explains.
    """

    group: str
    implementation: str
    slope_ns: float
    fixed_s: float
    scatter: float
    against: str | None = None
    r_squared: float | None = None


@dataclass
class Report:
    """A whole run.

    Attributes:
        date, commit, dirty: When, and of which source; dirty where it had been changed since.
        versions, device, machine, xla_flags: Where.
        repeats, quick: How.
        peak: Multiply-adds in a second, or None if not measured.
        records: In the order in which they were measured.
        fits: Lines through the groups that have one.
        left_out: What was asked for and not measured, and why.
    """

    date: str
    commit: str | None
    dirty: bool | None
    versions: dict[str, str | None]
    device: dict[str, Any]
    machine: dict[str, Any]
    xla_flags: str
    repeats: int
    quick: bool
    peak: Peak | None
    records: list[Record] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def new_report(repeats: int, quick: bool, peak: Peak | None) -> Report:
    """An empty report of here and now."""
    commit, dirty = _commit()
    device = jax.devices()[0]
    return Report(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=commit,
        dirty=dirty,
        versions={"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        device={"platform": device.platform, "kind": device.device_kind, "count": jax.device_count()},
        machine=_machine(),
        xla_flags=os.environ.get("XLA_FLAGS", ""),
        repeats=repeats,
        quick=quick,
        peak=peak,
    )


def write_report(path: str | os.PathLike[str], report: Report) -> None:
    """Write a report as JSON.

    Raises:
        FileError: If the file cannot be written.
    """
    write_atomically(path, (json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n").encode())


def read_report(path: str | os.PathLike[str]) -> Report:
    """Read a report back.

    Raises:
        FileError: If the file cannot be read, or is no report.
    """
    try:
        found = json.loads(read_text(path))
        return Report(
            **{
                **found,
                "peak": Peak(**found["peak"]) if found["peak"] else None,
                "records": [Record(**record) for record in found["records"]],
                "fits": [Fit(**fit) for fit in found["fits"]],
            }
        )
    except (ValueError, TypeError, KeyError) as error:
        raise FileError(path, f"expected a report of `python -m benchmarks --out`, but: {error}") from error


def _commit() -> tuple[str | None, bool | None]:
    """Of the checkout that this file is in; None where it is installed elsewhere."""
    here = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if git("ls-files", "--error-unmatch", "../jaxbragg/simulate.py") is None:
        return None, None
    return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {"cpu": model, "cores": cores(), "system": platform.system()}
