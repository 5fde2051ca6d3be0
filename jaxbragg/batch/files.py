"""A plan's chunks as files: shots drawn, turned into what the file holds, and written while the next are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxbragg.batch.folder import Folder
from jaxbragg.batch.plan import Plan
from jaxbragg.batch.shots import Shots
from jaxbragg.io.chunk_file import said_of, write_chunk
from jaxbragg.io.recording import Frames, Recording, as_counts
from jaxbragg.io.stack_master import relative, write_master
from jaxbragg.models.readable import with_fields
from jaxbragg.truth import Reflections

_IN_FLIGHT = 2  # chunks that wait to be written


@dataclass(frozen=True)
class Files:
    """What is written of a plan, and where.

    Attributes:
        plan: What is drawn.
        folder: Where.
        dtype: Of the images: float32, or uint16, uint32, int32 of counts.
        packing: See `jaxbragg.io.chunk_file`.
        saturation: Most counts that a pixel holds; None for what the type does.
        material: Of the sensor; "" where it is not known.
        warnings: Of what the plan says, a line each.
    """

    plan: Plan
    folder: Folder
    dtype: str = "float32"
    packing: str = "bslz4"
    saturation: int | None = None
    material: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def recording(self) -> Recording:
        """All that a file says beside the images."""
        frames, experiment = Frames(self.plan.shots, self.dtype, ()), self.plan.base
        if self.plan.sase is not None:  # each shot has a spectrum of its own, `sase.weights`
            experiment = with_fields(experiment, beam=self.plan.experiment.beam)
        return Recording(experiment, frames, None, self.material, 0.0, self.saturation)

    def draw(self, chunks: Iterable[int], done: Callable[[int, dict[str, Any]], None]) -> None:
        """Draw chunks, each written while the next is drawn.

        Args:
            chunks: Their numbers.
            done: Called with each when it is there, and what was said of it.

        Raises:
            FileError: If one cannot be written.
            ValueError: If a shot cannot be.
        """
        waiting: list[tuple[int, Future[dict[str, Any]]]] = []

        def collect(most: int) -> None:
            while len(waiting) > most:
                chunk, future = waiting.pop(0)
                done(chunk, future.result())

        # A launch may end one chunk and begin the next: a shot is the same in any company.
        shots = [shot for chunk in chunks for shot in self.folder.shots_of(chunk)]
        held: list[Shots] = []
        with ThreadPoolExecutor(1) as writer:
            for launch in self.plan.launches(shots):
                for chunk, part in self._by_chunk(launch):
                    held.append(part)
                    if sum(len(each.numbers) for each in held) == len(self.folder.shots_of(chunk)):
                        waiting.append((chunk, writer.submit(self._write, chunk, held)))
                        held = []
                        collect(_IN_FLIGHT)
            collect(0)

    def _by_chunk(self, shots: Shots) -> Iterator[tuple[int, Shots]]:
        chunks = shots.numbers // self.folder.chunk
        edges = [0, *(np.flatnonzero(np.diff(chunks)) + 1), len(chunks)]
        for first, last in pairwise(edges):
            yield int(chunks[first]), shots.part(int(first), int(last))

    def one(self, chunk: int) -> dict[str, Any]:
        """Draw and write one chunk; what is said of it."""
        said: dict[str, Any] = {}
        self.draw([chunk], lambda _, found: said.update(found))
        return said

    def _as_stored(self, shots: Shots) -> tuple[Shots, int, float]:
        """The images as the file has them, how many pixels are full, and the sum of what they hold."""
        images, missing = np.asarray(shots.images), self.recording.missing
        full, total = 0, float(images.sum(axis=tuple(range(1, images.ndim))).sum(dtype=np.float64))
        if self.plan.counts:
            stored = []
            for image in images:
                each, count = as_counts(image, self.dtype, 0.0, missing, self.saturation)
                stored.append(each)
                full += count
            images = np.stack(stored)
        images = images.reshape(len(images), -1, images.shape[-1])
        return Shots(shots.numbers, images.astype(self.dtype, copy=False), shots.values), full, total

    def _write(self, chunk: int, held: list[Shots]) -> dict[str, Any]:
        numbers = np.concatenate([each.numbers for each in held])
        values = {name: np.concatenate([each.values[name] for each in held]) for name in held[0].values}
        stored, fulls, totals = zip(*(self._as_stored(each) for each in held), strict=True)
        full, total = sum(fulls), sum(totals)
        said = {"fingerprint": self.folder.fingerprint, "full": full, "photons": total}
        name, table = self.folder.name_of(chunk), _table(held)
        said["reflections"] = len(table["shot"]) if table else 0
        write_chunk(name, numbers, [each.images for each in stored], values, self.packing, said, table)
        return {"shots": len(numbers), **said}

    def write_some(self, path: str, numbers: list[int]) -> None:
        """Write some shots into a file like a chunk.

        Raises:
            FileError: If it cannot be written.
        """
        drawn = self.plan.draw(numbers)
        shots, _, _ = self._as_stored(drawn)
        write_chunk(path, shots.numbers, [shots.images], shots.values, self.packing, None, _table([drawn]))

    def write_master(self) -> None:
        """Write the file that shows all chunks as one stack.

        Raises:
            FileError: If it cannot be written.
        """
        folder = self.folder
        chunks = [(relative(folder.name_of(i), folder.path), len(folder.shots_of(i))) for i in range(folder.chunks)]
        shapes = {name: np.shape(value) for name, value in self.plan.values(0).items()}
        rows = None
        if self.plan.reflections:
            rows = [int(said_of(folder.name_of(i))["reflections"]) for i in range(folder.chunks)]
        write_master(folder.master, self.recording, chunks, shapes, self._wavelengths(), rows)

    def _wavelengths(self) -> NDArray[np.float64] | None:
        """Of each shot, where it varies."""
        for path, distribution in self.plan.vary.items():
            if "beam.wavelength" in [each.strip() for each in path.split(",")]:
                draws = (distribution.draw(self.plan.chance(i, path), i) for i in range(self.plan.shots))
                return np.array([float(value) for value in draws])
        return None


def _table(held: Sequence[Shots]) -> dict[str, NDArray[Any]] | None:
    """Columns of the reflections of some shots, by name; None where they were not asked for."""
    numbers = [number for each in held for number in each.numbers]
    every = [found for each in held for found in each.reflections]
    if not every:
        return None
    shot = np.repeat(numbers, [len(each.photons) for each in every])
    return {"shot": shot.astype(np.int64), **Reflections.joined(every).columns()}
