"""The folder of a batch: its chunks, what plan they are of, and who works in it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.chunk_file import state_of
from jaxbragg.io.errors import FileError, reason_of

_PLAN, _CHUNKS, MASTER = "plan.json", "chunks", "master.h5"


@dataclass(frozen=True)
class Folder:
    """Where a batch is written.

    Attributes:
        path: Of the folder.
        fingerprint: Of the plan: the same for the same chunks.
        said: What the plan says, by key, to name what differs.
        shots: In all.
        chunk: Shots of a chunk; the last may have fewer.
    """

    path: str
    fingerprint: str
    said: Mapping[str, Any]
    shots: int
    chunk: int

    @property
    def chunks(self) -> int:
        """How many there are."""
        return -(-self.shots // self.chunk)

    def shots_of(self, chunk: int) -> range:
        """Numbers of a chunk's shots."""
        return range(chunk * self.chunk, min(self.shots, (chunk + 1) * self.chunk))

    def name_of(self, chunk: int) -> str:
        """The file of a chunk."""
        digits = max(6, len(str(self.shots - 1)))
        return os.path.join(self.path, _CHUNKS, f"shots-{chunk * self.chunk:0{digits}d}.h5")

    @property
    def master(self) -> str:
        """The file that shows all of them."""
        return os.path.join(self.path, MASTER)

    def prepare(self) -> None:
        """Make the folder, or see that what is in it is of this plan.

        Raises:
            FileError: If it cannot be made, or holds another plan's chunks; the message says what differs.
        """
        try:
            os.makedirs(os.path.join(self.path, _CHUNKS), exist_ok=True)
        except OSError as error:
            raise FileError(self.path, reason_of(error)) from error
        name = os.path.join(self.path, _PLAN)
        if not os.path.lexists(name):
            content = {"fingerprint": self.fingerprint, "plan": dict(self.said)}
            write_atomically(name, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
            return
        try:
            with open(name, encoding="utf-8") as file:
                found = json.load(file)
            known, fingerprint = dict(found["plan"]), str(found["fingerprint"])
        except (OSError, ValueError, KeyError, TypeError):
            raise FileError(name, "expected the plan that the chunks are of, but it is broken") from None
        if fingerprint == self.fingerprint:
            return
        names = [each for each in {**known, **self.said} if known.get(each) != self.said.get(each)]
        what = "; ".join(
            f"{each} was {known.get(each, 'not given')} and is {self.said.get(each, 'not given')}" for each in names[:3]
        )
        more = f"; and {len(names) - 3} more" if len(names) > 3 else ""
        what = what + more if names else "a file that the plan names, or the program, has changed"
        raise FileError(self.path, f"the folder is of another plan: {what}; give another --out")

    def clean(self) -> None:
        """Remove what processes that were killed have left unfinished. For whoever holds the whole folder."""
        folder = os.path.join(self.path, _CHUNKS)
        for name in os.listdir(folder):
            if name.startswith(".") and name.endswith(".part"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))

    def states(self, chunks: Sequence[int], *, whole: bool = True) -> Iterator[tuple[int, str]]:
        """Chunks and whether each is "whole", "missing" or "damaged".

        Args:
            chunks: Their numbers.
            whole: Whether to compare checksums, not sizes alone.
        """
        for chunk in chunks:
            yield chunk, state_of(self.name_of(chunk), self.fingerprint, whole=whole)

    @contextlib.contextmanager
    def locked(self, shard: tuple[int, int]) -> Iterator[None]:
        """Keep the folder, or a shard of it, from other processes. It is free again however this one ends.

        Raises:
            FileError: If another process works there.
        """
        index, count = shard
        with contextlib.ExitStack() as stack:
            # Processes of a job share the folder, each with its shard; one that takes all of it shares with nobody.
            stack.enter_context(self._held("folder.lock", shared=count > 1))
            if count > 1:
                stack.enter_context(self._held(f"shard-{index}-of-{count}.lock", shared=False))
            yield

    @contextlib.contextmanager
    def _held(self, name: str, *, shared: bool) -> Iterator[None]:
        try:
            import fcntl
        except ImportError:  # Windows: nothing keeps two processes apart but their user
            yield
            return
        path = os.path.join(self.path, name)
        try:
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115, closed below
        except OSError as error:
            raise FileError(path, reason_of(error)) from error
        with file:
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                who = file.read().strip() or "another process"
                raise FileError(
                    self.path, f"{who} works in this folder: wait for it, or share the work by --shard i/n"
                ) from None
            if not shared:
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
                file.flush()
            yield


def shard_of(chunks: int, shard: tuple[int, int]) -> range:
    """The chunks of a shard: every n-th."""
    index, count = shard
    return range(index, chunks, count)
