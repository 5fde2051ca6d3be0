"""Draw every reference case in both precisions and write the differences to differences.md.

Run: python tests/reference/make_table.py
"""

import json
import os
from pathlib import Path

import h5py
import numpy as np

import jaxbragg as jb

HERE = Path(__file__).parent
HEAD = """# Every reference case, and how far jaxbragg is from it

Written by `python tests/reference/make_table.py`. "c": with `--compat` against the C program as it is, the first pixel
drawn left out; "fixed": against the C program with its errors mended. Differences are the largest over the largest
pixel of the image; sums are relative. The last column says how much the C program's errors are worth: c against fixed.

| case | c: mixed | c: float64 | c: sum, mixed | fixed: mixed | fixed: float64 | fixed: sum, mixed | c against fixed |
|---|---|---|---|---|---|---|---|
"""


def draw(argv: list[str], name: str, variant: str, precision: str) -> np.ndarray:
    compat = ["--compat"] if variant == "c" else []
    experiment, options = jb.read_experiment([*argv, *compat, "--precision", precision])
    return np.asarray(jb.simulate(experiment, options)).astype(float)


def differences(node: h5py.Group, name: str, variant: str) -> list[str]:
    argv, wanted = json.loads(node.attrs["argv"]), node["image"][()].astype(float).ravel()
    kept = np.ones(wanted.size, bool)
    if variant == "c":
        kept[np.flatnonzero(wanted)[0]] = False
    images = {precision: draw(argv, name, variant, precision).ravel() for precision in ("mixed", "float64")}
    largest = wanted[kept].max()
    worst = [f"{np.abs(image - wanted)[kept].max() / largest:.1e}" for image in images.values()]
    return [*worst, f"{images['mixed'][kept].sum() / wanted[kept].sum() - 1:+.1e}"]


def main() -> None:
    os.chdir(HERE / "inputs")
    rows = {}
    for path in sorted(HERE.glob("images_*.h5")):
        with h5py.File(path) as file:
            for name in file:
                cells = []
                for variant in ("c", "fixed"):
                    there = variant in file[name]
                    cells += differences(file[name][variant], name, variant) if there else ["–"] * 3
                if "c" in file[name] and "fixed" in file[name]:
                    c, fixed = (file[name][v]["image"][()].astype(float) for v in ("c", "fixed"))
                    cells.append(f"{np.abs(c - fixed).max() / fixed.max():.1e}")
                else:
                    cells.append("–")
                rows[name] = cells
    lines = [f"| {name} | " + " | ".join(rows[name]) + " |" for name in sorted(rows)]
    (HERE / "differences.md").write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
