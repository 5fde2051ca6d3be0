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
