"""miniCBF: packed as fabio and pycbf unpack it, the sum over its bytes right."""

import fabio
import numpy as np
import pytest
from geometries import experiment_of

import jaxbragg as jb
from jaxbragg.io.cbf import cbf_bytes, is_across, pack
from jaxbragg.io.geometry import Rotation
from jaxbragg.io.recording import Recording

EDGES = [0, 1, -1, 127, -127, 128, -128, 129, 32767, -32767, 32768, -32768, 65535, 10**9, 2**31 - 2**7, -(2**30)]


def images():
    rng = np.random.default_rng(0)
    steps = rng.permutation(np.concatenate([EDGES * 40, rng.integers(-200, 200, 2000)]))
    values = np.clip(np.cumsum(steps), -(2**30), 2**30)
    edges = np.zeros(3000, np.int64)
    edges[::7][: len(EDGES)] = EDGES
    return {"steps": values[:2600].reshape(50, 52), "edges": edges.reshape(60, 50), "still": np.full((3, 4), -1)}


@pytest.mark.parametrize("name", images())
def test_fabio_unpacks_what_is_packed(name, tmp_path):
    image, path = images()[name].astype(np.int32), tmp_path / "x.cbf"
    path.write_bytes(cbf_bytes(image, "# Detector: GENERIC\r\n"))
    with fabio.open(str(path)) as found:
        np.testing.assert_array_equal(found.data, image)
        assert found.header["Content-MD5"]


def test_pycbf_finds_the_sum_right(tmp_path):
    pycbf = pytest.importorskip("pycbf")
    image, path = images()["steps"].astype(np.int32), tmp_path / "x.cbf"
    path.write_bytes(cbf_bytes(image, "# Detector: GENERIC\r\n", name="a b-1"))
    handle = pycbf.cbf_handle_struct()
    handle.read_widefile(str(path).encode(), pycbf.MSG_DIGESTNOW)  # which compares the sums
    handle.rewind_datablock()
    handle.find_category(b"array_data")
    handle.find_column(b"data")
    found = np.frombuffer(handle.get_integerarray_as_string(), np.int32).reshape(image.shape)
    np.testing.assert_array_equal(found, image)
    broken = bytearray(path.read_bytes())
    broken[broken.index(b"\x0c\x1a\x04\xd5") + 100] ^= 1
    path.write_bytes(broken)
    with pytest.raises(Exception, match="CBFlib Error"):
        pycbf.cbf_handle_struct().read_widefile(str(path).encode(), pycbf.MSG_DIGESTNOW)


def test_steps_beyond_32_bits_are_refused():
    with pytest.raises(ValueError, match="steps"):
        pack(np.array([[-(2**31), 2**31 - 1]], np.int32))


def test_the_header_is_dectriss(tmp_path):
    experiment, path = experiment_of("flat"), tmp_path / "x_001.cbf"
    jb.save(path, experiment, np.ones((40, 60), int), Rotation(10.0, 0.5), material="CdTe")
    with fabio.open(str(path)) as found:
        header = found.header["_array_data.header_contents"]
    for line in ("# Pixel_size 0.0002 m x 0.0002 m", "# CdTe sensor, thickness 1e-09 m", "# Wavelength 0.97 A",
                 "# Detector_distance 0.08 m", "# Start_angle 10 deg.", "# Angle_increment 0.5 deg."):  # fmt: skip
        assert line in header


@pytest.mark.parametrize(("name", "across"), [("flat", True), ("tilted", False), ("mirrored", False)])
def test_what_the_header_does_not_say(name, across):
    experiment = experiment_of(name)
    assert is_across(Recording.of(np.zeros((40, 60), np.int32), experiment)) == across
