"""Traces against those of the C program, and against the image."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.cli.read import read_setup
from jaxbragg.cli.scanner import scan
from jaxbragg.trace import PixelTrace

HERE = Path(__file__).parents[1] / "reference"
TICS = ("thick_tic", "subS", "subF", "source", "phi_tic", "mos_tic")


def _traced_cases():
    for path in sorted(HERE.glob("images_*.h5")):
        with h5py.File(path) as file:
            for name in file:
                for variant in file[name]:
                    if "trace" in file[name][variant].attrs:
                        yield pytest.param(path, f"{name}/{variant}", id=f"{name}-{variant}")


CASES = list(_traced_cases())


def set_up(monkeypatch, argv, name, precision="float64"):
    monkeypatch.chdir(HERE / "inputs")
    compat = ["--compat"] if name.endswith("/c") else []
    setup = read_setup(scan([*argv, *compat, "--precision", precision]))
    return setup, [setup.phi + setup.spindle.step * i for i in range(setup.spindle.count)]


def test_there_are_traces():
    assert len(CASES) > 50


@pytest.mark.parametrize(("path", "name"), CASES)
def test_every_factor_and_step_is_that_of_the_c_program(monkeypatch, path, name):
    with h5py.File(path) as file:
        attributes = dict(file[name].attrs)
    setup, phi = set_up(monkeypatch, json.loads(attributes["argv"]), name)
    for wanted in json.loads(attributes["trace"]):
        found = jb.trace_pixel(setup.experiment, setup.options, wanted["slow"], wanted["fast"], phi=phi)
        assert set(wanted["factors"]) <= set(found.factors)
        for key, value in wanted["factors"].items():
            value = np.atleast_1d(value)
            np.testing.assert_allclose(found.factors[key], value, rtol=1e-6, atol=1e-9 * np.linalg.norm(value))
        steps = {step[:6]: step._asdict() for step in found.steps}
        assert len(steps) == len(wanted["steps"])
        for step in wanted["steps"]:
            mine = steps[tuple(int(step[tic]) for tic in TICS)]
            np.testing.assert_allclose([mine[key] for key in step], list(step.values()), rtol=1e-6, atol=1e-7)


STILL = "-cell 40 50 60 85 95 100 -misset 5 15 25 -default_F 100 -N 8 -lambda 1 -distance 100 -detpixels 21 -pixel 0.8"
LAYERED = "-oversample 2 -detector_abs 300 -detector_thick 200 -detector_thicksteps 2 -dispersion 1 -dispsteps 2"


@pytest.mark.parametrize("precision", ["float64", "mixed", "float32"])
@pytest.mark.parametrize("shape", ["-square_xtal", "-round_xtal", "-gauss_xtal", "-tophat_spots"])
def test_the_last_line_is_the_pixel_of_the_image(shape, precision):
    flags = [*STILL.split(), *LAYERED.split(), shape, "-osc", "1", "-phisteps", "3", "--precision", precision]
    experiment, options = jb.read_experiment(flags)
    image = np.asarray(jb.simulate(experiment, options))
    for slow, fast in ((0, 0), (7, 13), (20, 20)):
        trace = jb.trace_pixel(experiment, options, slow, fast)
        np.testing.assert_allclose(trace.factors["I_pixel_final"], image[slow, fast], rtol=1e-6, atol=0)
        assert len(trace.steps) == 2 * 4 * 2 * 3


def test_in_a_still_the_factors_multiply_to_the_last():
    experiment, options = jb.read_experiment([*STILL.split(), "-oversample", "1", "--precision", "float64"])
    factors = {key: value[0] for key, value in jb.trace_pixel(experiment, options, 5, 9).factors.items()}
    scaled = factors["I_before_scaling"] * factors["r_e_sqr"] * factors["fluence_photons_per_m2"] / factors["steps"]
    scaled *= factors["polar"] * factors["omega_pixel"] * factors["capture_fraction"]
    assert factors["I_pixel_final"] == pytest.approx(scaled, rel=1e-12)
    assert factors["I_before_scaling"] == pytest.approx((factors["F_cell"] * factors["F_latt"]) ** 2, rel=1e-12)


def test_the_axes_multiply_to_the_lattice_factor():
    experiment, options = jb.read_experiment([*STILL.split(), "-oversample", "1", "--precision", "float64"])
    (step,) = jb.trace_pixel(experiment, options, 5, 9).steps
    assert step.F_latt == pytest.approx(step.F_latt_a * step.F_latt_b * step.F_latt_c, rel=1e-12)
    for index, factor in zip(step[7:10], step[12:], strict=True):
        assert factor == pytest.approx(np.sin(np.pi * 8 * index) / np.sin(np.pi * index), rel=1e-9)


def test_a_record_survives_json_and_text():
    experiment, options = jb.read_experiment([*STILL.split(), "-oversample", "1", "-osc", "1", "-phisteps", "2"])
    trace = jb.trace_pixel(experiment, options, 3, 4)
    assert PixelTrace.from_json(json.loads(json.dumps(trace.to_json()))) == trace
    again = PixelTrace.from_text(trace.to_text())
    assert (again.slow, again.fast, again.panel, again.precision) == (3, 4, 0, "mixed")
    assert again.device == trace.device != ""
    assert list(again.factors) == list(trace.factors)
    for key, value in trace.factors.items():
        np.testing.assert_allclose(again.factors[key], value, rtol=1e-14)
    np.testing.assert_allclose(np.array(again.steps), np.array(trace.steps), rtol=1e-14)


@pytest.mark.parametrize("text", ["", "TRACE_C: polar 1", "# jaxbragg, float64, panel 0"])
def test_other_text_is_no_trace(text):
    with pytest.raises(ValueError, match="not the text of a jaxbragg trace"):
        PixelTrace.from_text(text)


@pytest.mark.parametrize(
    ("pixel", "options", "says"),
    [
        ((21, 0), {}, "not on the detector: slow 0 … 20, fast 0 … 20"),
        ((0, -1), {}, "not on the detector"),
        ((3, 3), {"roi": (4, 9, 0, 20)}, "outside the region of interest: slow 0 … 20, fast 4 … 9"),
    ],
)
def test_a_pixel_that_is_not_drawn(pixel, options, says):
    experiment, _ = jb.read_experiment(STILL.split())
    with pytest.raises(ValueError, match=says):
        jb.trace_pixel(experiment, jb.Options(**options), *pixel)


def test_a_masked_pixel():
    mask = np.ones((8, 8), bool)
    mask[2, 5] = False
    panel = jb.FlatPanel((8, 8), 1e-3, (0.1, 0.004, -0.004), (0, 0, 1), (0, -1, 0), mask=mask)
    experiment, _ = jb.read_experiment(STILL.split())
    masked = jb.Experiment(experiment.beam, experiment.crystal, panel, experiment.structure_factors)
    with pytest.raises(ValueError, match="Pixel slow 2, fast 5 is masked"):
        jb.trace_pixel(masked, jb.Options(), 2, 5)
