"""Chunks drawn by workers of dask."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from jaxbragg.cli.batch.worker import OtherVersionError, draw_chunk
from jaxbragg.cli.errors import UsageError

if TYPE_CHECKING:
    from jaxbragg.batch.files import Files

_RETRIES = 2  # of a chunk that fails; dask itself has one drawn anew whose worker dies
_PATIENCE = "20s"  # for a scheduler to answer


def draw_by_dask(
    arguments: argparse.Namespace, files: Files, chunks: list[int], done: Callable[[int, dict[str, Any]], None]
) -> None:
    """Have workers draw chunks; one that dies has its chunk drawn by another.

    Args:
        arguments: Of the command line.
        files: The plan and its folder.
        chunks: Numbers of the chunks.
        done: Called with each when it is there.

    Raises:
        UsageError: If dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import KilledWorker, as_completed
    except ImportError:
        raise UsageError("--dask needs dask.distributed: pip install 'jaxbragg[distributed]'") from None
    plan, out = os.path.abspath(arguments.plan), os.path.abspath(files.folder.path)
    with _client(arguments) as client:
        asked = plan, out, files.folder.fingerprint, version("jaxbragg")
        futures = {client.submit(draw_chunk, *asked, chunk, retries=_RETRIES, pure=False): chunk for chunk in chunks}
        try:
            for future in as_completed(futures):
                done(futures[future], future.result())
        except OtherVersionError as error:
            raise UsageError(f"--dask {arguments.dask}: {error}") from None
        except KilledWorker as error:
            raise UsageError(f"--dask {arguments.dask}: a chunk's workers died one after the other: {error}") from None
        except OSError as error:  # the scheduler has gone
            raise UsageError(f"--dask {arguments.dask}: the scheduler does not answer any more: {error}") from None


@contextlib.contextmanager
def _client(arguments: argparse.Namespace) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if arguments.dask != "local":
        try:
            client = Client(arguments.dask, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise UsageError(f"--dask {arguments.dask}: no scheduler answers there: {error}") from None
        with client:
            yield client
        return
    workers = arguments.workers or os.cpu_count() or 1
    # One thread a worker, which computes on as many as XLA likes; nobody else can ask for anything.
    made: Any = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    with made as cluster, Client(cluster) as client:
        if not arguments.quiet:
            print(f"dask        {workers} workers, dashboard {cluster.dashboard_link}")
        yield client
