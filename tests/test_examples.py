"""Every example runs as it stands and says what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SAYS = {
    "01_first_image": "brightest pixel:",
    "02_from_nanobragg_flags": "as the C program draws it: sum",
    "03_gradient": "the first agrees with central differences to 1e-4",
    "04_your_own_detector": "128 × 128 pixels on a cylinder",
    "05_which_factor": "keeps the rotation of its last step",
    "06_recover_a_misset": "crystal.misset[0]: began +1.50 off, ended +0.000",
    "07_cell_and_distance": "distance known to 20 µm:",
    "08_two_panels": "83 values from 20 stills; χ² per degree of freedom 1.0",
    "09_spectrum": "1.00   1.000 (held)",
    "10_mosaic_and_size": "spread: the truth is 0.8, ",
    "11_many_stills": "all crystals in one image: the sum of the stills",
}


def test_no_example_is_forgotten():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_the_example_runs(name, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
