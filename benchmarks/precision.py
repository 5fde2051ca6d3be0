"""How far images in mixed precision are from those in float64, in random experiments.

The experiments are those of `tests/random_experiments.py`: 19 templates of sizes, shapes and counts, all values random.
The exit status is 1 if an image is off by more than 1e-5 of its brightest pixel and `simulate` did not warn, or by more
than its warning says.

usage: python -m benchmarks.precision [EXPERIMENTS] [--first SEED] [--tile N] [--json FILE]
       [--document docs/precision.md]
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import jaxbragg as jb
from benchmarks.record import new_report
from jaxbragg.options import TILES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from random_experiments import compare, random_experiment

PROMISED = 1e-5
LIT = 1e-3
_PROMISED, _LIT = "1e-5", "1e-3"
_QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Row:
    """One experiment.

    Attributes:
        seed, about: Which.
        shape: Of its spots.
        error: Largest difference over the brightest pixel.
        brightest: That pixel over a whole spot.
        dark: Whether nobody could count its photons.
        bound: What `jaxbragg.precision_bound` says.
        warned: The number in the warning, or None.
        warnings: Classes of all warnings.
    """

    seed: int
    about: str
    shape: str
    error: float
    brightest: float
    dark: bool
    bound: float
    warned: float | None
    warnings: tuple[str, ...]

    @property
    def missed(self) -> bool:
        """Whether the image is worse than promised and nobody said so, or worse than was said."""
        return not self.error <= (PROMISED if self.warned is None else self.warned)


def measure(seed: int, tile: int | None) -> Row:
    """One experiment in both precisions."""
    case = random_experiment(seed)
    case = replace(case, options=replace(case.options, tile=tile))
    found = compare(case)
    bound = jb.precision_bound(case.experiment, case.options)
    return Row(
        seed=seed,
        about=case.about,
        shape=case.template.shape,
        error=found.error,
        brightest=found.brightest,
        dark=found.is_dark,
        bound=bound,
        warned=found.warned_bound,
        warnings=tuple(kind for kind, _ in found.warnings),
    )


# The document --------------------------------------------------------------------------------------------------------

_GROUPS: dict[str, Callable[[Row], bool]] = {
    "all": lambda row: True,
    "square": lambda row: row.shape == "square",
    "round": lambda row: row.shape == "round",
    "gauss": lambda row: row.shape == "gauss",
    "tophat": lambda row: row.shape == "tophat",
    "with a spot": lambda row: row.brightest > LIT,
    "tails alone": lambda row: row.brightest <= LIT and not row.dark,
    "dark": lambda row: row.dark,
}


def table(rows: Sequence[Row]) -> str:
    """Quantiles of the error for each group."""
    lines = ["| experiments | number | warned | " + " | ".join(_name(q) for q in _QUANTILES) + " |"]
    lines.append("|---|--:|--:|" + "--:|" * len(_QUANTILES))
    for name, belongs in _GROUPS.items():
        group = [row for row in rows if belongs(row)]
        if group:
            values = [_number(np.quantile([row.error for row in group], q)) for q in _QUANTILES]
            warned = sum(row.warned is not None for row in group)
            lines.append(f"| {name} | {len(group)} | {warned} | {' | '.join(values)} |")
    return "\n".join(lines)


def _name(quantile: float) -> str:
    return "worst" if quantile == 1.0 else f"{quantile:.0%}"


def _number(value: float) -> str:
    return f"{value:.1e}".replace("e-0", "e-").replace("0.0e+00", "0")


def bounds(rows: Sequence[Row]) -> str:
    """How much larger than the errors the bounds are; nothing where there are none."""
    ratios = [row.error / row.bound for row in rows if row.bound]
    if not ratios:
        return ""
    half, most = np.quantile(ratios, [0.5, 1.0])
    return f"\nThe error over `precision_bound`: {_number(half)} in half of the experiments, {_number(most)} at most.\n"


def missed_list(rows: Sequence[Row]) -> str:
    """The experiments that were worse than promised or said."""
    missed = [row for row in rows if row.missed]
    if not missed:
        return f"Within {_PROMISED}, or within what a warning says: all.\n"
    lines = [f"Off by more than {_PROMISED} without a warning, or by more than it says: {len(missed)}.\n"]
    lines += [f"- {_number(row.error)}: {row.about}" for row in sorted(missed, key=lambda row: -row.error)]
    return "\n".join(lines) + "\n"


def document(rows: Sequence[Row], provenance: dict[str, Any], tile: int | None) -> str:
    """All of it as a page."""
    how = "chosen as `simulate` chooses" if tile is None else f"{tile} × {tile} pixels (`Options.tile`)"
    flag = "" if tile is None else f" --tile {tile}"
    parts = [
        _HEAD.format(promised=_PROMISED, lit=_LIT, how=how, flag=flag),
        table(rows),
        bounds(rows),
        missed_list(rows),
    ]
    kinds = Counter(kind for row in rows for kind in set(row.warnings))
    if kinds:
        parts.append("Warnings: " + ", ".join(f"{kind} in {number}" for kind, number in kinds.items()) + ".\n")
    versions = ", ".join(f"{name} {number}" for name, number in provenance["versions"].items() if number)
    commit = f"{provenance['commit']}{' (changed since)' if provenance['dirty'] else ''}"
    parts.append(
        f"Measured on {provenance['date'][:10]}, commit {commit}, {provenance['device']['platform']}; {versions}."
    )
    return "\n".join(parts) + "\n"


_HEAD = """# Precision

How far images in `precision="mixed"`, the default, are from those in `precision="float64"`, with tiles {how}.
They are to agree within {promised} of the image's brightest pixel, or within what a `PrecisionWarning` says;
those that do not are listed below. `python -m benchmarks.precision 300{flag} --document FILE` measures it and
writes this page.

The experiments are random: cells of 5 to 2000 Å in all crystal systems, 1 to 3000 unit cells along each axis,
wavelengths of 0.1 to 10 Å, pixels of 10 µm to 1 mm at 20 mm to 5 m, flat, tilted, curved and several panels, sensors,
spectra, divergence, mosaic spread, spindle rotation, tables of structure factors, interpolation and background. Most
are aimed, so that a reflection or its flank is at a pixel.

Every number is the largest difference over the brightest pixel of the image in float64. Images "with a spot" have a
pixel of {lit} of a whole spot or more. In those of "tails alone" the brightest pixel is on a tail, far from any spot;
"dark" ones are below 1e-30 of a spot throughout, and their differences are taken over that. Pixels at the edge of a
"tophat" spot jump by a whole step: there, the image need only lie between those of spots wider and narrower by 1e-6.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("experiments", metavar="EXPERIMENTS", type=int, nargs="?", default=300, help="how many")
    parser.add_argument("--first", metavar="SEED", type=int, default=0, help="seed of the first")
    parser.add_argument("--tile", metavar="N", type=int, choices=TILES, help="side of the tiles: 1 or 4 (chosen)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there, with versions and commit")
    parser.add_argument("--document", metavar="FILE", help="write the page there")
    chosen = parser.parse_args()
    if chosen.experiments < 1 or chosen.first < 0:
        parser.error("EXPERIMENTS must be at least 1, and SEED not negative")
    report = asdict(new_report(1, False, None))
    provenance = {name: report[name] for name in ("date", "commit", "dirty", "versions", "device", "machine")}
    rows = []
    for seed in range(chosen.first, chosen.first + chosen.experiments):
        rows.append(measure(seed, chosen.tile))
        row = rows[-1]
        print(f"{_number(row.error):>8s} {'missed' if row.missed else ''} {row.about}", file=sys.stderr)
    text = document(rows, provenance, chosen.tile)
    if chosen.json:
        kept = {**provenance, "first": chosen.first, "tile": chosen.tile, "rows": [asdict(row) for row in rows]}
        Path(chosen.json).write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if chosen.document:
        Path(chosen.document).write_text(text, encoding="utf-8")
    print(text[text.index("| experiments") :], end="")
    return 1 if any(row.missed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
