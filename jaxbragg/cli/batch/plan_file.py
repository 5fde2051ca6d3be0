"""A plan's TOML file, read and checked whole: whatever it says is used, or is an error."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from jaxbragg.batch import Listed, Plan, SasePulses
from jaxbragg.batch.files import Files
from jaxbragg.batch.folder import Folder
from jaxbragg.cli.batch.distribution_specs import distribution_of
from jaxbragg.cli.batch.schema import TABLES, TOP
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.flag_table import FLAGS, OUTPUT
from jaxbragg.cli.read import Setup, read_setup
from jaxbragg.cli.scanner import Scanned, scan
from jaxbragg.cli.toml_file import at_line, flags_of_file, line_of, load_toml, nearest, resolved, shown, split_flags
from jaxbragg.io.chunk_file import packing_of
from jaxbragg.models.detector.catalogue import product_named
from jaxbragg.units import PERCENT

_FORMAT = 1  # of chunks: another one makes other bytes
# Flags of one command and its files, of which a plan makes nothing, or says it itself.
_OF_A_COMMAND = {flag.dest for flag in FLAGS if flag.group == OUTPUT and flag.dest != "saturation"} | {
    "png", "device", "quiet", "dump", "help",
}  # fmt: skip
_CHUNK_BYTES = 1 << 28


def read_plan(path: str | os.PathLike[str], out: str | os.PathLike[str] = "") -> Files:
    """A plan of a TOML file, and what is written of it.

    Args:
        path: The file.
        out: The folder.

    Raises:
        FileError: If a file cannot be read.
        UsageError: If it is no plan; the message says where and why.
    """
    path = os.fspath(path)
    text, tables = load_toml(path)
    _check(path, text, tables)

    def wrong(table: str, key: str | None, message: str) -> UsageError:
        line = line_of(text, table, None, key)
        where = path if line is None else f"{path}, line {line}"
        return UsageError(f"{where}: [{table}]{f' {key}' if key else ''}: {message}")

    setup = _setup(path, tables, wrong)
    output = tables.get("output", {})
    counts = output.get("counts", False)
    vary = {}
    for key, spec in tables.get("vary", {}).items():
        try:
            vary[key] = distribution_of(spec, lambda name: os.path.join(os.path.dirname(path), name))
        except ValueError as error:
            raise wrong("vary", key, str(error)) from None
    try:
        plan = Plan(
            jax.device_get(setup.experiment),
            shots=tables["shots"],
            vary=vary,
            seed=tables.get("seed", 0),
            options=setup.options,
            counts=counts,
            lattices=_lattices(tables, path),
            sase=_sase(tables),
            reflections=output.get("reflections", False),
            at_once=output.get("at_once"),
        )
    except ValueError as error:
        raise UsageError(f"{path}: {_words(str(error))}") from None
    dtype, packing = _stored(output, counts, wrong)
    name = setup.scanned.text("detector")
    named = product_named(name) if name else None
    saturation = setup.scanned.whole("saturation") or (named.saturation if named else None)
    material = setup.material or (named.material if named else "")
    panels, slow, fast = plan.experiment.detector.shape
    size = panels * slow * fast * np.dtype(dtype).itemsize
    chunk = output.get("chunk") or max(1, min(100, _CHUNK_BYTES // size))
    said = {
        **{key: value for key, value in _flat(tables).items() if key != "output.chunk"},
        "shots": plan.shots,
        "output.chunk": chunk,
        "output.dtype": dtype,
        "output.compression": packing,
        "jaxbragg": version("jaxbragg"),
    }
    folder = Folder(os.fspath(out), _fingerprint(plan, said, saturation, material), said, plan.shots, chunk)
    return Files(plan, folder, dtype, packing, saturation, material, tuple(setup.notes.warnings))


def _check(path: str, text: str, tables: dict[str, Any]) -> None:
    for name, value in tables.items():
        if name not in TOP:
            raise UsageError(f"{path}{at_line(text, name)}: unknown table or key {name!r}{nearest(name, TOP)}")
        if not TOP[name].holds(value):
            raise UsageError(f"{path}{at_line(text, name)}: {name} must be {TOP[name].takes}, but is {shown(value)}")
        for key, each in value.items() if name in TABLES else ():
            line = line_of(text, name, None, key)
            where = path if line is None else f"{path}, line {line}"
            known = TABLES[name]
            if key not in known:
                raise UsageError(f"{where}: [{name}]: unknown key {key!r}{nearest(key, known)}")
            if not known[key].holds(each):
                raise UsageError(f"{where}: [{name}] {key} must be {known[key].takes}, but is {shown(each)}")
    for name in ("shots", "base"):
        if name not in tables:
            raise UsageError(f"{path}: {name} is missing: {name} must be {TOP[name].takes}")
    if ("flags" in tables["base"]) == ("file" in tables["base"]):
        raise UsageError(f"{path}{at_line(text, 'base')}: [base] has flags or a file of flags, one of them")
    for key in ("bandwidth", "duration"):
        if "sase" in tables and key not in tables["sase"]:
            raise UsageError(f"{path}{at_line(text, 'sase')}: [sase] {key} is missing")


def _setup(path: str, tables: dict[str, Any], wrong: Any) -> Setup:
    base = tables["base"]
    if "file" in base:
        name = os.path.join(os.path.dirname(path), base["file"])
        argv = resolved(flags_of_file(name), name)
    else:
        flags = base["flags"]
        words = flags if isinstance(flags, list) else split_flags(flags, lambda reason: wrong("base", "flags", reason))
        argv = resolved(words, path)
    try:
        scanned: Scanned = scan(argv)
        for flag in FLAGS:
            if flag.dest in _OF_A_COMMAND and flag.dest in scanned:
                raise UsageError(f"{flag.word} is of one image and its files: a plan has shots, seed and [output]")
        return read_setup(scanned)
    except UsageError as error:
        raise wrong("base", None, f"{error}, in {shlex.join(argv)[:200]}") from None


def _lattices(tables: dict[str, Any], path: str) -> Any:
    if "lattices" not in tables:
        return None
    try:
        return distribution_of(tables["lattices"], lambda name: os.path.join(os.path.dirname(path), name))
    except ValueError as error:
        raise UsageError(f"{path}: lattices {error}") from None


def _sase(tables: dict[str, Any]) -> SasePulses | None:
    if "sase" not in tables:
        return None
    found = tables["sase"]
    return SasePulses(found["bandwidth"] * PERCENT, found["duration"], found.get("lines", 128))


def _stored(output: dict[str, Any], counts: bool, wrong: Any) -> tuple[str, str]:
    dtype = output.get("dtype", "uint32" if counts else "float32")
    if counts and dtype == "float32":
        raise wrong("output", "dtype", "counts are whole numbers: uint16, uint32 or int32")
    if not counts and dtype != "float32":
        raise wrong("output", "dtype", f"expected photons are float32, not {dtype}: counts = true for whole numbers")
    packing = output.get("compression")
    try:
        packing_of(packing or "bslz4")
    except ValueError as error:
        if packing is not None:
            raise wrong("output", "compression", str(error)) from None
        packing = "gzip"
    return dtype, packing or "bslz4"


def _words(message: str) -> str:
    """A model's message about `vary` and the like, in the words of the file."""
    return message.replace("Argument `vary` must", "[vary] must").replace("Argument `path`", "[vary]: a path").replace(
        "Argument `lattices`", "lattices"
    ).replace("Argument `", "").replace("` must", " must")  # fmt: skip


def _flat(tables: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict) and (before == "" and key in (*TABLES, "vary")):
            found |= _flat(value, f"{key}.")
        else:
            found[before + key] = value if isinstance(value, str | int | float | bool) else json.dumps(value)
    return found


def _fingerprint(plan: Plan, said: dict[str, Any], saturation: int | None, material: str) -> str:
    """Of all that decides on the bytes of a chunk."""
    digest = hashlib.sha256()
    leaves, structure = jax.tree.flatten(plan.base)
    for leaf in leaves:
        digest.update(np.ascontiguousarray(leaf).tobytes())
    for distribution in (*plan.vary.values(), plan.lattices):
        digest.update(repr(distribution).encode())
        if isinstance(distribution, Listed):  # too long for a text
            digest.update(np.ascontiguousarray(np.asarray(distribution.values, float)).tobytes())
    digest.update(repr((_FORMAT, str(structure), plan.options, plan.group, saturation, material)).encode())
    digest.update(json.dumps(said, sort_keys=True).encode())
    return digest.hexdigest()
