"""The images of the C program, as it is and with its errors mended, drawn from their command lines."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxbragg as jb

HERE = Path(__file__).parent / "reference"
FILES = sorted(HERE.glob("images_*.h5"))


def _cases():
    """All images; slow are those with the C program's errors where these make no difference."""
    for path in FILES:
        with h5py.File(path) as file:
            for name in file:
                images = {variant: file[name][variant]["image"][()] for variant in file[name]}
                same = len(images) == 2 and images["c"].shape == images["fixed"].shape
                same = same and np.abs(images["c"] - images["fixed"]).max() <= 1e-5 * images["fixed"].max()
                for variant in images:
                    marks = [pytest.mark.slow] if same and variant == "c" else []
                    yield pytest.param(path, f"{name}/{variant}", id=f"{name}-{variant}", marks=marks)


CASES = list(_cases())
# Those whose float64 images are held against the stored float32 ones as well: one for each kind of arithmetic.
FLOAT64 = (
    "tetragonal_hkl/fixed",
    "round_xtal_fudge/fixed",
    "gauss_xtal/fixed",
    "interpolate_saxs/fixed",
    "thick_sensor_oversampled/fixed",
    "pilatus_vectors/c",
    "everything/fixed",
    "large_crystal_precision/fixed",
)


def read_case(path, name):
    with h5py.File(path) as file:
        node = file[name]
        return json.loads(node.attrs["argv"]), node["image"][()].astype(float)


def draw(monkeypatch, argv, name, precision):
    monkeypatch.chdir(HERE / "inputs")
    compat = ["--compat"] if name.endswith("/c") else []
    experiment, options = jb.read_experiment([*argv, *compat, "--precision", precision])
    return np.asarray(jb.simulate(experiment, options)).astype(float)


def without_first(name, *images):
    """In compat mode without the first pixel drawn: the C program has no pixel before it to keep a rotation from."""
    if name.endswith("/fixed"):
        return images
    first = np.flatnonzero(images[-1])[0]
    return tuple(np.delete(image.ravel(), first) for image in images)


def test_every_case_is_there():
    assert len(CASES) == 127


@pytest.mark.parametrize(("path", "name"), CASES)
def test_mixed_precision_draws_the_image(monkeypatch, path, name):
    argv, expected = read_case(path, name)
    image = draw(monkeypatch, argv, name, "mixed")
    assert image.shape == expected.shape
    image, expected = without_first(name, image, expected)
    assert np.abs(image - expected).max() <= 1e-5 * expected.max()
    assert image.sum() == pytest.approx(expected.sum(), rel=1e-5)
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] >= 0.999999


@pytest.mark.parametrize(("path", "name"), [case for case in CASES if case.values[1] in FLOAT64])
def test_float64_draws_the_image_to_the_last_digits_stored(monkeypatch, path, name):
    argv, expected = read_case(path, name)
    image, expected = without_first(name, draw(monkeypatch, argv, name, "float64"), expected)
    assert np.abs(image - expected).max() <= 1e-7 * expected.max()


def test_the_finding_that_began_it(monkeypatch):
    """At φ = 0 the C program keeps the rotation of the pixel before; the image is another one."""
    path = next(path for path, name in (case.values for case in CASES) if name == "phi_from_zero/c")
    argv, as_it_is = read_case(path, "phi_from_zero/c")
    _, mended = read_case(path, "phi_from_zero/fixed")
    assert np.abs(as_it_is - mended).max() > 0.01 * mended.max()
    right = draw(monkeypatch, argv, "phi_from_zero/fixed", "mixed")
    assert np.abs(right - mended).max() <= 1e-5 * mended.max()
