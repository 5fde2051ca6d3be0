"""Every example runs as it stands and says what it promises."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxbragg_kernels import rotation

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
    "12_ten_images_from_a_structure": "NeXus: 10 images of 0.1°, the panel is where it was",
    "13_train_on_a_stream": "held-out shots",
    "11_many_stills": "all crystals in one image: the sum of the stills",
}


def test_no_example_is_forgotten():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_the_example_runs(name, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}  # compiled as users have it
    words = [sys.executable, EXAMPLES / f"{name}.py"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout


def test_the_orientations_of_many_stills_are_uniform():
    """The mean of tr R, (tr R)² and (tr R)³ over all rotations is 0, 1 and 1, that of each R² one third."""
    tree = ast.parse((EXAMPLES / "11_many_stills.py").read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = {"np": np, "rng": np.random.default_rng(7)}
    exec(compile(tree, "11_many_stills.py", "exec"), names)
    count = 4000
    angles = np.radians(names["missets_of_uniform_rotations"](count))
    matrices = np.array([rotation.about_xyz(each) for each in angles])
    traces = np.trace(matrices, axis1=1, axis2=2)
    # Of tr R the first six moments are 0, 1, 1, 3, 6, 15.
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 1, 14)):
        assert abs((traces**power).mean() - mean) < 4 * np.sqrt(variance / count)
    assert np.abs((matrices**2).mean(axis=0) - 1 / 3).max() < 4 * np.sqrt(4 / 45 / count)
