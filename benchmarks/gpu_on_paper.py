"""What a GPU would have to do for an image, its gradient and a batch of stills, on a machine without one.

Compiled by XLA for the card, not measured. For each program: kernels and copies that run on the card (device), what
the host launches, a CUDA graph counted once (host), what makes the host wait, and temporary memory. For the kernels
with most threads × instructions: launches, threads of all of them, registers of a thread, bytes that a thread spills,
instructions, and those of the longest loop.

usage: python -m benchmarks.gpu_on_paper [--card NAME …] [--case NAME …] [--mode NAME …] [--out FILE.md|FILE.json]
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from jaxbragg.cli.start import prepare_jax

prepare_jax("cpu", cache=False)  # before JAX starts

from benchmarks.gpu_compile import CARDS, NoCompiler, OnPaper, instead_of_cpu, on_paper, versions  # noqa: E402
from benchmarks.gpu_programs import MODES, PROGRAMS  # noqa: E402
from benchmarks.record import new_report  # noqa: E402
from jaxbragg.io.atomic import check_writable, write_atomically  # noqa: E402


@dataclass(frozen=True)
class Row:
    """One program for one card.

    Attributes:
        card, case, mode: What.
        images: That it makes.
        found: What the card would have to do.
    """

    card: str
    case: str
    mode: str
    images: int
    found: OnPaper


def rows_of(cards: list[str], cases: list[str], modes: list[str], heaviest: int) -> Iterator[Row]:
    """One after the other, in the order of the table."""
    for case in cases:
        for mode in modes:
            for card in cards:
                with instead_of_cpu(card) as device:
                    function, operand, images = PROGRAMS[case].program(mode)
                    yield Row(card, case, mode, images, on_paper(function, operand, device, heaviest))


def line(row: Row) -> str:
    """A row of the first table."""
    launches = row.found.launches
    each = [f"{n:,}" if row.images == 1 else f"{n:,} ({n / row.images:.0f})" for n in (launches.device, launches.host)]
    waits = "; ".join(f"{wait} × {count:,}" for wait, count in launches.waits.items()) or "none"
    return f"| {row.case} | {row.mode} | {row.card} | {' | '.join(each)} | {waits} | {_megabytes(row)} |"


def kernel_lines(row: Row) -> Iterator[str]:
    """Rows of the second table."""
    for kernel in row.found.kernels:
        code = kernel.code
        numbers = (kernel.runs, kernel.threads, code.registers, code.spilled, code.instructions, code.loop)
        yield f"| {row.case} | {row.mode} | {row.card} | `{kernel.name}` | {' | '.join(f'{n:,}' for n in numbers)} |"


def _megabytes(row: Row) -> str:
    return f"{row.found.temp_bytes / 1e6:,.0f}"


HEAD = (
    "| case | mode | card | device launches | host launches | host waits for | temporary MB |",
    "|---|---|---|--:|--:|---|--:|",
)
KERNEL_HEAD = (
    "| case | mode | card | kernel | launches | threads | registers | spilled bytes | instructions | in its loop |",
    "|---|---|---|---|--:|--:|--:|--:|--:|--:|",
)


def document(rows: list[Row], compiled_by: dict[str, str]) -> str:
    """The tables, to be put into docs/gpu.md or to be read alone."""
    report = new_report(1, False, None)
    commit = "no checkout" if report.commit is None else report.commit[:10] + (" and changes" if report.dirty else "")
    made = ", ".join(f"{name} {number}" for name, number in compiled_by.items())
    cases = [f"- {name}: {PROGRAMS[name].about}" for name in dict.fromkeys(row.case for row in rows)]
    kernels = [each for row in rows for each in kernel_lines(row)]
    return "\n".join(
        [f"jaxbragg {commit}, {report.date[:10]}; {made}.", "", *cases, "", "## Programs, on paper", "", *HEAD]
        + [line(row) for row in rows]
        + ["", "## Heaviest kernels, on paper", "", *KERNEL_HEAD, *kernels, ""]
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, known in (("card", CARDS), ("case", PROGRAMS), ("mode", MODES)):
        parser.add_argument(f"--{name}", nargs="+", choices=list(known), default=list(known), metavar="NAME",
                            help=f"{', '.join(known)} (all of them)")  # fmt: skip
    parser.add_argument("--kernels", type=int, default=3, metavar="N", help="of each program in the second table (3)")
    parser.add_argument("--out", metavar="FILE", help="write the tables there: .md or .json")
    chosen = parser.parse_args(argv)
    if chosen.out is not None:
        if Path(chosen.out).suffix not in (".md", ".json"):
            parser.error(f"--out {chosen.out}: must end in .md or .json")
        check_writable(chosen.out)
    try:
        compiled_by = versions()
    except NoCompiler as error:
        parser.error(str(error))
    print("\n".join(HEAD))
    rows = []
    for row in rows_of(chosen.card, chosen.case, chosen.mode, chosen.kernels):
        rows.append(row)
        print("\n".join([line(row), *(f"    {each}" for each in kernel_lines(row))]), flush=True)
    if chosen.out is not None:
        text = document(rows, compiled_by)
        if Path(chosen.out).suffix == ".json":
            text = json.dumps({"versions": compiled_by, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
        write_atomically(chosen.out, text.encode())
        print(f"wrote {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
