"""What `--geometry FILE` stands for, and which flags go before it."""

from pathlib import Path

import jax
import numpy as np
import pytest
from effects import Effect, check
from geometries import TILTED, experiment_of

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import read_setup
from jaxbragg.cli.scanner import scan
from jaxbragg.io import FileError
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_expt, write_geom

REST = "-default_F 10 -N 5"
CASES = (Effect("--geometry x.expt", lambda s: s.experiment.detector.shape, (1, 40, 60)),)


def setup(words):
    return read_setup(scan(words.split()))


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("tilted", "panels"):
        experiment = experiment_of(name)
        recording = Recording.of(np.zeros(experiment.detector.image_shape, np.float32), experiment, (10.0, 0.5))
        write_expt("x.expt" if name == "tilted" else "panels.expt", recording)
        write_geom("x.geom" if name == "tilted" else "panels.geom", recording)


@pytest.mark.parametrize("effect", CASES)
def test_the_flag_changes_what_it_says(effect) -> None:
    check(effect)


def test_the_image_is_that_of_the_flags() -> None:
    assert main([*TILTED.split(), "-phi", "10", "-osc", "0.5", "-floatfile", "a.bin", "--quiet"]) == 0
    assert main([*f"--geometry x.expt {REST}".split(), "-floatfile", "b.bin", "--quiet"]) == 0
    one, other = (np.fromfile(name, "<f4") for name in ("a.bin", "b.bin"))
    np.testing.assert_allclose(other, one, atol=1e-5 * one.max())
    assert one.max() > 0


def test_all_of_it_is_taken_and_said() -> None:
    found = setup(f"--geometry x.expt {REST}")
    own = jb.load("x.expt")
    experiment = found.experiment
    np.testing.assert_allclose(experiment.crystal.vectors(), own.vectors, rtol=1e-6)
    np.testing.assert_allclose(experiment.scan.axis, own.axis)
    assert float(experiment.beam.wavelength) == pytest.approx(0.97)
    assert np.asarray(experiment.scan.angles).tolist() == [10.0, 10.25]
    said = "--geometry x.expt: DIALS's .expt, 60 × 40 pixels, -lambda 0.97, -polar 0, -phi 10, -osc 0.5"
    assert said in found.notes.said
    assert found.notes.warnings == []


@pytest.mark.parametrize(
    ("words", "value", "wanted"),
    [
        ("-lambda 1.2", lambda e: e.beam.wavelength, 1.2),
        ("-energy 12398.42", lambda e: e.beam.wavelength, 1.0),
        ("-polar 0.5", lambda e: e.beam.polarization, 0.5),
        ("-phi 3", lambda e: e.scan.angles, [3.0, 3.25]),
        ("-osc 1", lambda e: e.scan.angles, [10.0, 10.5]),
        ("-spindle_axis 0 0 2", lambda e: e.scan.axis, [0, 0, 1]),
        ("-polar_vector 0 3 0", lambda e: e.beam.polarization_axis, [0, 1, 0]),
        ("-misset 1 2 3", lambda e: e.crystal.misset, [1, 2, 3]),
        ("-detector_thick 450 -detector_abs 200", lambda e: e.detector.sensor.attenuation, 5000),
    ],
)
def test_flags_go_before_the_file(words, value, wanted) -> None:
    np.testing.assert_allclose(np.asarray(value(setup(f"--geometry x.expt {REST} {words}").experiment)), wanted)


def test_a_matrix_and_a_cell_go_before_the_crystal() -> None:
    np.savetxt("A.mat", np.eye(3) / 50)
    found = setup(f"--geometry x.expt {REST} -mat A.mat -lambda 1").experiment
    np.testing.assert_allclose(found.crystal.vectors(), 50 * np.eye(3), atol=1e-4)
    found = setup(f"--geometry x.expt {REST} -cell 41 46 51 90 95 90").experiment
    np.testing.assert_allclose(np.linalg.norm(np.asarray(found.crystal.vectors()), axis=1), [41, 46, 51], rtol=1e-6)
    own = jb.load("x.expt").vectors
    unit = own / np.linalg.norm(own, axis=1)[:, None]
    np.testing.assert_allclose(np.asarray(found.crystal.vectors()) / [[41], [46], [51]], unit, atol=1e-6)


def test_several_panels_in_an_image_and_what_cannot_hold_them(capsys) -> None:
    flags = f"--geometry panels.geom -cell 40 {REST}"
    assert main([*flags.split(), "-o", "x.h5", "-floatfile", "x.bin"]) == 0
    said = capsys.readouterr().out
    assert "4 panels of up to 60 × 40 of 0.2 mm" in said
    assert "brightest" in said
    assert ", panel " in said or "at panel" in said
    image = np.fromfile("x.bin", "<f4").reshape(4, 40, 60)
    experiment, options = jb.read_experiment(flags.split())
    np.testing.assert_allclose(image, jb.simulate(experiment, options), atol=1e-5 * image.max())
    from jaxbragg.io import read_image

    np.testing.assert_array_equal(read_image("x.h5", (4, 40, 60)).pixels, image)
    for words, message in (
        ("-intfile x.img", "-intfile holds one panel, and these are 4: --output FILE.h5 holds them"),
        ("-o x.cbf --counts", "miniCBF holds one panel, and these are 4: .h5 or .npy"),
        ("-o y.h5 -printout", "-printout prints one panel, and these are 4"),
    ):
        assert main([*flags.split(), *words.split()]) == 2
        assert message in capsys.readouterr().err
    assert main(["trace", *flags.split(), "-trace_pixel", "1", "1"]) == 2


def test_masks_of_panels_and_of_files_are_both_kept() -> None:
    mask = np.ones((4, 40, 60), np.uint8)
    mask[0, :3] = 0
    np.save("m.npy", mask)
    found = setup(f"--geometry panels.expt {REST} -mask m.npy").experiment.detector
    assert (~np.asarray(found.mask)[0]).sum() == 180
    np.save("m.npy", mask[0])
    with pytest.raises(FileError, match=r"m.npy: the mask has 60 × 40 pixels, but the detector 60 × 40 × 4"):
        setup(f"--geometry panels.expt {REST} -mask m.npy")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-distance 100", "-distance contradicts --geometry x.expt, which says where the detector is"),
        ("--detector pilatus-1m", "--detector contradicts --geometry"),
        ("-Xbeam 1", "-Xbeam contradicts"),
        ("-xds", "-xds contradicts"),
        ("-beam_vector 0 0 1", "-beam_vector contradicts"),
        ("-polar_vector 0 0 1", "-polar_vector must not be along the beam"),
    ],
)
def test_what_contradicts_the_file_is_refused(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        setup(f"--geometry x.expt {REST} {words}")


def test_a_wavelength_is_asked_for_where_nothing_says_it() -> None:
    Path("y.geom").write_text(Path("x.geom").read_text().replace("photon_energy", "; photon_energy"))
    with pytest.raises(UsageError, match="it does not say the wavelength; give -lambda or -energy"):
        setup(f"--geometry y.geom -cell 40 {REST}")
    assert float(setup(f"--geometry y.geom -cell 40 {REST} -lambda 1.1").experiment.beam.wavelength) == 1.1


def test_derivatives_go_through_panels_of_a_file() -> None:
    experiment, options = jb.read_experiment(f"--geometry panels.expt {REST} -oversample 1".split())
    import equinox as eqx

    def total(fluence):
        return jb.simulate(eqx.tree_at(lambda e: e.beam.fluence, experiment, fluence), options).sum()

    fluence = float(experiment.beam.fluence)
    assert float(jax.grad(total)(fluence)) * fluence == pytest.approx(float(total(fluence)), rel=1e-5)
