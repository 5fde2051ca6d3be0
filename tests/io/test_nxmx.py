"""NXmx files, as independent programs read them: nxmx, silx and fabio."""

import fabio
import h5py
import numpy as np
import nxmx
import pytest
import silx.io
import silx.io.nxdata
from geometries import ALL, BASE, CASES, experiment_of, panels_of

import jaxbragg as jb
from jaxbragg.io import read_image
from jaxbragg.io.geometry import Rotation
from jaxbragg.io.nxmx import packings, write_nxmx
from jaxbragg.io.recording import Frames, Recording


def images_of(experiment, count=2):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 100, (count, *experiment.detector.image_shape)).astype(np.float32)


def write(path, images, experiment, *others, **more):
    write_nxmx(path, Recording.of(images, experiment, *others, **more))


def read_geometry(path):
    """Origin [m], fast and slow axes of each module, wavelength [Å], rotation axis: what nxmx makes of a file."""
    with h5py.File(path) as file:
        entry = nxmx.NXmx(file).entries[0]
        instrument = entry.instruments[0]
        panels = []
        for module in instrument.detectors[0].modules:
            chain = nxmx.get_dependency_chain(module.fast_pixel_direction.depends_on)
            origin = nxmx.get_cumulative_transformation(chain)[0][:3, 3] * 1e-3
            axes = [np.array(getattr(module, f"{name}_pixel_direction").vector) for name in ("fast", "slow")]
            panels.append((origin, *axes))
        wavelength = float(instrument.beams[0].incident_wavelength.to("angstrom").magnitude)
        depends = entry.samples[0].depends_on
        spindle = None if depends is None else nxmx.get_rotation_axes(nxmx.get_dependency_chain(depends))
        return panels, wavelength, spindle


@pytest.mark.parametrize("name", ALL)
def test_nxmx_reads_the_geometry(name, tmp_path):
    experiment = experiment_of(name)
    path = tmp_path / "x.nxs"
    write(path, images_of(experiment), experiment, Rotation(10.0, 0.1))
    panels, wavelength, spindle = read_geometry(path)
    beam, axis = np.asarray(experiment.beam.direction), np.asarray(experiment.scan.axis)
    for (origin, fast, slow), panel in zip(panels, panels_of(experiment.detector), strict=True):
        # Whatever the frame: lengths, and angles to beam and spindle, are what they were. 1e-9 m is 1e-6 mm.
        ours = np.stack([panel.origin, panel.fast_axis, panel.slow_axis, beam, axis]).astype(float)
        theirs = np.stack([origin, fast, slow, [0, 0, 1], np.array(spindle.axes[0])])
        np.testing.assert_allclose(theirs @ theirs.T, ours @ ours.T, atol=1e-9)
        assert np.sign(np.linalg.det(theirs[[0, 1, 2]])) == np.sign(np.linalg.det(ours[[0, 1, 2]]))
    assert wavelength == pytest.approx(0.97, abs=1e-9)
    assert list(spindle.is_scan_axis) == [True]
    assert spindle.angles[0] == pytest.approx(10.0)
    if name in ("flat", "mirrored"):  # the spindle across the beam is imgCIF's x, NeXus's −x
        np.testing.assert_allclose(spindle.axes[0], [-1, 0, 0], atol=1e-12)


def test_panels_are_one_below_the_other(tmp_path):
    experiment, path = experiment_of("panels"), tmp_path / "x.nxs"
    images = images_of(experiment)
    write(path, images, experiment)
    with h5py.File(path) as file:
        assert file["entry/data/data"].shape == (2, 160, 60)
        modules = nxmx.NXmx(file).entries[0].instruments[0].detectors[0].modules
        assert [tuple(module.data_origin) for module in modules] == [(0, 0), (40, 0), (80, 0), (120, 0)]
        assert [tuple(module.data_size) for module in modules] == [(40, 60), (40, 60), (30, 60), (40, 60)]
    np.testing.assert_array_equal(read_image(path, (4, 40, 60), None, 1).pixels, images[1])


@pytest.mark.parametrize("plugin", [True, False])
def test_packing(plugin, monkeypatch, tmp_path):
    if not plugin:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        assert [each["compression"] for each in packings()] == ["gzip"]
    experiment, path = experiment_of("flat"), tmp_path / "x.nxs"
    images = images_of(experiment)
    write(path, images, experiment)
    monkeypatch.undo()
    with h5py.File(path) as file:
        filters = file["entry/data/data"]._filters
    assert ("32008" in filters) == plugin
    np.testing.assert_array_equal(read_image(path, None, None, 1).pixels, images[1])


def test_silx_fabio_and_our_own_reader_have_the_pixels(tmp_path):
    experiment, _ = jb.read_experiment(CASES["flat"].split())
    images, path = images_of(experiment, 3), str(tmp_path / "x.h5")
    write(path, images, experiment)
    with silx.io.open(path) as file:
        np.testing.assert_array_equal(silx.io.nxdata.get_default(file).signal[()], images)
    with fabio.open(path) as found:
        assert found.nframes == 3
        np.testing.assert_array_equal(found.get_frame(2).data, images[2])
    for frame in range(3):
        np.testing.assert_array_equal(read_image(path, None, None, frame).pixels, images[frame])


def test_counts_mask_sensor_and_still(tmp_path):
    flags = f"{BASE} -distance 80 -detector_thick 450 -detector_abs 250"
    experiment, _ = jb.read_experiment(flags.split())
    mask = np.ones((40, 60), bool)
    mask[10:12] = False
    import equinox as eqx

    experiment = eqx.tree_at(lambda e: e.detector.mask, experiment, mask[None], is_leaf=lambda x: x is None)
    path = tmp_path / "x.h5"
    counts = np.full((40, 60), 70000, np.uint32)
    write(path, counts, experiment, material="CdTe")
    with h5py.File(path) as file:
        entry = nxmx.NXmx(file).entries[0]
        detector = entry.instruments[0].detectors[0]
        assert entry.samples[0].depends_on is None
        assert detector.sensor_material == "CdTe"
        assert detector.sensor_thickness.to("m").magnitude == pytest.approx(450e-6)
        assert int(detector.bit_depth_readout) == 32
        np.testing.assert_array_equal(np.asarray(detector.pixel_mask) == 0, mask)
        assert file["entry/data/data"].dtype == np.uint32
        assert file["entry/data/data"].chunks == (1, 40, 60)
        assert file["entry/instrument/detector/detectorSpecific/nimages"][()] == 1


def test_several_wavelengths_are_a_spectrum(tmp_path):
    experiment, _ = jb.read_experiment(f"{BASE} -distance 80 -dispersion 2 -dispsteps 5".split())
    path = tmp_path / "x.h5"
    write(path, images_of(experiment), experiment)
    _, wavelengths, weights = (np.asarray(x) for x in experiment.beam.rays())
    with h5py.File(path) as file:
        beam = file["entry/instrument/beam"]
        assert beam["incident_wavelength"].attrs["variant"] == "incident_wavelength_1Dspectrum"
        np.testing.assert_allclose(np.sort(wavelengths), beam["incident_wavelength_1Dspectrum"][()])
        np.testing.assert_allclose(weights.sum(), beam["incident_wavelength_1Dspectrum_weights"][()].sum())


def test_what_cannot_be_is_named(tmp_path):
    experiment, path = experiment_of("flat"), tmp_path / "x.h5"
    with pytest.raises(ValueError, match="of 40 × 60 pixels each, but is 60 × 40"):
        write(path, np.zeros((60, 40), np.float32), experiment)
    with pytest.raises(ValueError, match="`images` must be float32"):
        write(path, np.zeros((40, 60)), experiment)
    with pytest.raises(ValueError, match="must be 3 images, but is 2"):
        write_nxmx(path, Recording(experiment, Frames(3, "float32", images_of(experiment))))
    curved, _ = jb.read_experiment(f"{CASES['flat']} -curved_det".split())
    with pytest.raises(ValueError, match="a CurvedDetector has others"):
        write(path, np.zeros((40, 60), np.float32), curved)
    assert not list(tmp_path.iterdir())
