"""Files of geometry that are broken: one message that names the file, soon, whatever is wrong."""

import json
import time

import h5py
import numpy as np
import pytest
from geometries import experiment_of, panels_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xds_files import INPUT, XPARM

import jaxbragg as jb
from jaxbragg.io import FileError
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_expt, write_geom

ENDINGS = ("x.expt", "x.geom", "x.nxs", "x.cbf", "x.img", "XDS.INP", "XPARM.XDS")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    panels, flat = experiment_of("panels"), experiment_of("flat")
    recording = Recording.of(np.zeros((4, 40, 60), np.float32), panels)
    write_expt(folder / "x.expt", recording)
    write_geom(folder / "x.geom", recording)
    counts = np.random.default_rng(0).poisson(10, (40, 60))
    jb.save(folder / "x.nxs", panels, np.zeros((4, 40, 60), np.float32), (0.0, 0.1))
    jb.save(folder / "x.cbf", flat, counts, (0.0, 0.1))
    jb.save(folder / "x.img", flat, counts, (0.0, 0.1))
    (folder / "XDS.INP").write_text(INPUT)
    (folder / "XPARM.XDS").write_text(XPARM)
    return {name: (folder / name).read_bytes() for name in ENDINGS}


def fails_well_or_reads(path):
    """A geometry, or one line about the file; soon."""
    started, said = time.monotonic(), None
    try:
        detector = jb.load(path).detector
        assert all(np.isfinite(np.asarray(panel.origin)).all() for panel in panels_of(detector))
    except FileError as error:
        said = str(error)
    assert said is None or (said.startswith(str(path)) and "\n" not in said)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("name", ENDINGS)
def test_cut_at_twenty_places(name, whole, tmp_path):
    content = whole[name]
    for share in range(20):
        path = tmp_path / name
        path.write_bytes(content[: len(content) * share // 20])
        fails_well_or_reads(path)


@pytest.mark.parametrize("name", ENDINGS)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_another_value(name, data, whole, tmp_path):
    content = bytearray(whole[name])
    limit = len(content) if name != "x.cbf" else 2500
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, limit - 1))
        content[at] = data.draw(st.sampled_from(b'\x00\xff-.9eE ;=/{}[]"n') | st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(content)
    fails_well_or_reads(path)


JUNK = [None, True, "x", -1, 0, 1e308, 10**400, [], {}, [1, 2], [None] * 3, ["a"] * 3, [[1]], [1e400] * 3, 2**40]


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_expt_with_a_field_of_another_kind(data, whole, tmp_path):
    content = json.loads(whole["x.expt"])
    node, key = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
        node = node[key]
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
    node[key] = data.draw(st.sampled_from(JUNK))
    path = tmp_path / "x.expt"
    path.write_text(json.dumps(content))
    fails_well_or_reads(path)


def fields_of(path):
    names = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: names.append((name, isinstance(item, h5py.Dataset), [*item.attrs])))
    return names


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nexus_with_a_field_of_another_kind(data, whole, tmp_path):
    path = tmp_path / "x.nxs"
    path.write_bytes(whole["x.nxs"])
    name, is_field, attributes = data.draw(st.sampled_from(fields_of(path)))
    junk = data.draw(st.sampled_from(
        ["x", b"\xff", -1, 0, np.nan, np.inf, [], [1, 2], np.zeros((2, 2)), 1e300, "../../..", "/entry", ".", 2**40]
    ))  # fmt: skip
    with h5py.File(path, "r+") as file:
        if attributes and data.draw(st.booleans()):
            attribute = data.draw(st.sampled_from(attributes))
            del file[name].attrs[attribute]
            if data.draw(st.booleans()):
                file[name].attrs[attribute] = junk
        else:
            del file[name]
            if is_field and data.draw(st.booleans()):
                file[name] = junk
    fails_well_or_reads(path)


def test_links_that_lead_nowhere_into_circles_and_elsewhere(whole, tmp_path):
    path = tmp_path / "x.nxs"
    beam, size = "entry/instrument/beam/incident_wavelength", "entry/instrument/detector/module_0/data_size"
    for name in (beam, size, "entry/instrument", "entry/sample/transformations/omega"):
        for link in (h5py.SoftLink("/nowhere"), h5py.SoftLink(f"/{name}"), h5py.ExternalLink("/etc/passwd", "/x")):
            path.write_bytes(whole["x.nxs"])
            with h5py.File(path, "r+") as file:
                del file[name]
                file[name] = link
            fails_well_or_reads(path)


def test_transformations_in_a_circle_end(whole, tmp_path):
    path = tmp_path / "x.nxs"
    path.write_bytes(whole["x.nxs"])
    with h5py.File(path, "r+") as file:
        offset = "entry/instrument/detector/transformations/det_offset"
        file[offset].attrs["depends_on"] = f"/{offset}"
    with pytest.raises(FileError, match="expected at most 100 transformations"):
        jb.load(path)


def test_a_mask_that_unpacks_to_more_than_memory_is_not_unpacked(whole, tmp_path):
    path = tmp_path / "x.nxs"
    path.write_bytes(whole["x.nxs"])
    with h5py.File(path, "r+") as file:
        group = file["entry/instrument/detector"]
        del group["pixel_mask"]
        group.create_dataset("pixel_mask", (1 << 20, 1 << 20), np.uint32, chunks=(1 << 10, 1 << 10), compression="gzip")
    with pytest.raises(FileError, match="expected at most 1073741824 pixels"):
        jb.load(path)


@pytest.mark.parametrize("text", ["[" * 100000, '{"a":' * 100000, "{}", "[]", "null", '{"experiment": []}',
                                  '{"experiment": [{"detector": 0}], "detector": [NaN]}'])  # fmt: skip
def test_json_that_is_no_experiment(text, tmp_path):
    path = tmp_path / "x.expt"
    path.write_text(text)
    with pytest.raises(FileError):
        jb.load(path)


def test_what_is_no_geometry_is_named(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("hello\n")
    with pytest.raises(FileError, match=r"expected a geometry: DIALS's .expt"):
        jb.load(path)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a"] = 1
    with pytest.raises(FileError, match="expected an NXentry"):
        jb.load(tmp_path / "x.h5")
