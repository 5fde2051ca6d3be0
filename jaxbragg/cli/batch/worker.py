"""What a worker of dask does: one chunk. Imported where JAX has not been started yet."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxbragg.batch.files import Files


class OtherVersionError(RuntimeError):
    """A worker has another version than the process that asks it."""


def draw_chunk(plan: str, out: str, fingerprint: str, version: str, chunk: int) -> dict[str, Any]:
    """Draw a chunk and write it.

    Args:
        plan: The plan's file.
        out: The folder.
        fingerprint: Of the plan where it was read first.
        version: Of jaxbragg there.
        chunk: Number of the chunk.

    Raises:
        OtherVersionError: If this worker would make other bytes.
    """
    from importlib.metadata import version as version_of

    mine = version_of("jaxbragg")
    if mine != version:
        raise OtherVersionError(f"a worker has jaxbragg {mine}, not {version}")
    files = _files(plan, out, fingerprint)
    if files.folder.fingerprint != fingerprint:
        raise OtherVersionError("a worker reads another plan: its files, or its libraries, differ")
    return files.one(chunk)


@lru_cache(maxsize=2)
def _files(plan: str, out: str, fingerprint: str) -> Files:
    del fingerprint  # a plan that has changed is read anew
    from jaxbragg.cli.start import prepare_jax

    prepare_jax(None)
    from jaxbragg.cli.batch.plan_file import read_plan

    return read_plan(plan, out)
