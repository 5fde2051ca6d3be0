"""Chunks of a batch: some shots and what was drawn for them in one HDF5 file, and its checksum beside it.

A chunk is there when its checksum is: the file is written beside its place and renamed when it is whole, and the
checksum after it.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError, reason_of
from jaxbragg.io.nxmx import packings
from jaxbragg.io.truth_file import describe

PACKINGS = ("bslz4", "gzip", "none")
DATA, SHOTS, REFLECTIONS = "entry/data/data", "entry/shots", "entry/reflections"
_PIECE = 1 << 22


def write_chunk(
    path: str,
    numbers: NDArray[np.int64],
    images: Sequence[NDArray[Any]],
    values: Mapping[str, NDArray[np.float64]],
    packing: str,
    said: Mapping[str, Any] | None,
    reflections: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write a chunk, the same bytes of the same shots.

    Args:
        path: Of the chunk.
        numbers: Of the shots.
        images: [shot, slow, fast] each, panels one below the other: some shots after the others.
        values: What was drawn, by name.
        packing: One of `PACKINGS`.
        said: What stands beside the checksum; None for a file without one.
        reflections: Columns of a table of the shots' reflections, by name; None for none.

    Raises:
        FileError: If it cannot be written; nothing is left of it then.
    """
    import h5py

    memory = io.BytesIO()  # a full disk is none of HDF5's matters: it may end the process
    with h5py.File(memory, "w") as file:
        shape, first = images[0].shape[1:], 0
        data = file.create_dataset(
            DATA, (len(numbers), *shape), images[0].dtype, chunks=(1, *shape), **packing_of(packing)
        )
        for some in images:
            data[first : first + len(some)] = some
            first += len(some)
        group = file.create_group(SHOTS)
        group.create_dataset("number", data=numbers)
        for name, each in values.items():
            group.create_dataset(name, data=each)
        for name, each in (reflections or {}).items():
            packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if len(each) else {}
            describe(file.create_dataset(f"{REFLECTIONS}/{name}", data=each, **packed), name)
    content = memory.getbuffer()
    write_atomically(path, content)
    if said is None:
        return
    beside = {"checksum": zlib.crc32(content), "bytes": len(content), "shots": len(numbers), **said}
    write_atomically(_beside(path), (json.dumps(beside) + "\n").encode())


def packing_of(name: str) -> dict[str, Any]:
    """What h5py takes to pack so.

    Raises:
        ValueError: If hdf5plugin is not there for bslz4.
    """
    if name == "none":
        return {}
    known = packings()
    if name == "gzip":
        return known[-1]
    if len(known) == 1:
        raise ValueError("bslz4 needs hdf5plugin: pip install 'jaxbragg[hdf5]'")
    return known[0]


def state_of(path: str, fingerprint: str, *, whole: bool = True) -> str:
    """Whether a chunk is there: "whole", "missing" or "damaged".

    Args:
        path: Of the chunk.
        fingerprint: Of the plan that it must be of.
        whole: Whether to read it and compare its checksum, not its size alone.
    """
    try:
        with open(_beside(path), encoding="utf-8") as file:
            said = json.load(file)
        size = os.path.getsize(path)
    except FileNotFoundError:
        return "missing" if not os.path.lexists(path) else "damaged"
    except (OSError, ValueError):
        return "damaged"
    if not isinstance(said, dict) or said.get("fingerprint") != fingerprint or said.get("bytes") != size:
        return "damaged"
    if whole:
        try:
            with open(path, "rb") as file:
                if _checksum(file) != said.get("checksum"):
                    return "damaged"
        except OSError:
            return "damaged"
    return "whole"


def said_of(path: str) -> dict[str, Any]:
    """What stands beside a chunk's checksum.

    Raises:
        FileError: If it cannot be read.
    """
    try:
        with open(_beside(path), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise FileError(_beside(path), reason_of(error)) from error


def _beside(path: str) -> str:
    return os.path.splitext(path)[0] + ".json"


def _checksum(file: Any) -> int:
    """CRC-32: of damage by accident, not by intent, and four times as fast as others."""
    found = 0
    while piece := file.read(_PIECE):
        found = zlib.crc32(piece, found)
    return found
