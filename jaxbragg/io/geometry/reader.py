"""One function that reads the geometry of any format: told by a file's content first, by its name second."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from jaxbragg.io import hdf5
from jaxbragg.io.errors import FileError
from jaxbragg.io.geometry.expt import read_expt
from jaxbragg.io.geometry.fields import Path
from jaxbragg.io.geometry.geom import read_geom
from jaxbragg.io.geometry.headers import read_cbf_geometry, read_smv_geometry
from jaxbragg.io.geometry.nexus import read_nexus
from jaxbragg.io.geometry.record import Geometry
from jaxbragg.io.geometry.xds import read_xds_input, read_xparm
from jaxbragg.io.smv import looks_like_smv
from jaxbragg.io.text import read_bytes


class _Format(NamedTuple):
    begins: Callable[[bytes], bool]
    name: str  # of the file, as a pattern
    read: Callable[..., Geometry]


_FORMATS = (
    _Format(lambda start: start.startswith(hdf5.MAGIC), r".*\.(h5|nxs|hdf5|nx5)", read_nexus),
    _Format(lambda start: start.startswith(b"###CBF"), r".*\.cbf", read_cbf_geometry),
    _Format(looks_like_smv, r".*\.img", read_smv_geometry),
    _Format(lambda start: start.lstrip()[:1] == b"{", r".*\.(expt|json)", read_expt),
    _Format(lambda start: b"XPARM.XDS" in start[:80], r"G?XPARM.*", read_xparm),
    _Format(lambda start: False, r".*\.geom", read_geom),
    _Format(lambda start: b"DETECTOR_DISTANCE=" in start.replace(b" ", b""), r".*\.inp", read_xds_input),
    _Format(lambda start: re.search(rb"^\s*\S+/min_fs\s*=", start, re.MULTILINE) is not None, r"$^", read_geom),
)


def load(path: Path, wavelength: float | None = None) -> Geometry:
    """Where beam, detector, spindle and crystal are, of a file of any format that says so.

        geometry = jb.load("refined.expt")
        image = jb.simulate(geometry.experiment(structure_factors, cells=20))

    Args:
        path: DIALS's .expt, CrystFEL's .geom, NeXus (NXmx), XDS.INP, XPARM.XDS, or an image with a miniCBF or SMV
            header.
        wavelength: [Å] in place of the file's.

    Raises:
        FileError: The file cannot be read, is none of these, or lacks what is needed.
    """
    start, name = read_bytes(path, 1 << 16), os.path.basename(os.fspath(path))
    by_content = (each for each in _FORMATS if each.begins(start))
    by_name = (each for each in _FORMATS if re.fullmatch(each.name, name, re.IGNORECASE))
    found = next(by_content, None) or next(by_name, None)
    if found is None:
        raise FileError(path, "expected a geometry: DIALS's .expt, CrystFEL's .geom, NeXus (NXmx), XDS.INP, "
                              "XPARM.XDS, or an image with a miniCBF or SMV header")  # fmt: skip
    return found.read(path, wavelength)
