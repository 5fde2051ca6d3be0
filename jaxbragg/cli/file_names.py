"""Names of the files to be written: not those of what is read, nor those of formats that are not written."""

from __future__ import annotations

import os

from jaxbragg.cli.errors import UsageError
from jaxbragg.io import ledger
from jaxbragg.io.writable import check_writable

# How names end that promise a format. Other endings promise none: .bin, .raw, .dat, .txt, .log, ...
_FORMAT_OF = {
    ending: name
    for name, endings in {
        "SMV": ".img .smv",
        "PGM": ".pgm .pnm",
        "PNG": ".png",
        "HDF5": ".h5 .hdf5 .hdf .nxs .nx5 .cxi",
        "CBF": ".cbf .mcbf",
        "TIFF": ".tif .tiff",
        "MarCCD": ".mccd",
        "mar345": ".mar3450 .mar2300 .mar1200",
        "EDF": ".edf",
        "numpy": ".npy .npz",
        "JPEG": ".jpg .jpeg",
        "GIF": ".gif",
        "BMP": ".bmp",
        "PDF": ".pdf",
        "PostScript": ".ps .eps",
        "SVG": ".svg",
        "JSON": ".json .expt .refl",
        "CSV": ".csv",
        "TOML": ".toml",
        "h k l F as text": ".hkl",
        "MTZ": ".mtz",
        "CIF": ".cif .mmcif",
        "PDB": ".pdb .ent",
        "MOSFLM's matrix": ".mat",
        "CrystFEL's geometry": ".geom",
        "gzip": ".gz .tgz",
        "bzip2": ".bz2",
        "xz": ".xz",
        "Zstandard": ".zst",
        "zip": ".zip",
        "tar": ".tar",
    }.items()
    for ending in endings.split()
}


def check_output(flag: str, path: str, *formats: str) -> None:
    """Finds out before the work whether a file can be written under its name.

    Args:
        flag: What names the file, such as "-floatfile".
        path: The file.
        formats: What the flag writes, such as "SMV".

    Raises:
        FileError: The file cannot be written.
        UsageError: This run reads it or writes something else there, or the name ends like that of another format.
    """
    if (other := ledger.other_use(path)) is not None:
        raise UsageError(f"{flag} {path}: {other or 'an input'} names the same file")
    ending = os.path.splitext(path)[1].lower()
    promised = _FORMAT_OF.get(ending)
    if promised is not None and promised not in formats:
        own = [each for each, name in _FORMAT_OF.items() if name in formats] or [".bin"]
        hint = f"name it {os.path.splitext(path)[0]}{own[0]}"
        raise UsageError(f"{flag} {path}: {ending} is {promised}, but {flag} writes {' or '.join(formats)}; {hint}")
    check_writable(path, flag)
