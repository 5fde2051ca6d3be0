"""Experiments that are drawn spot by spot: small ones, to be held against samples, and those of whole detectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

import jaxbragg as jb
from benchmarks.cases import DETECTORS

_TRICLINIC = (38.0, 42.0, 55.0, 82.0, 97.0, 75.0)


@dataclass(frozen=True)
class Small:
    """48 × 64 pixels that hold a few spots.

    Attributes:
        name: By which it is asked for.
        mosaic: Of the domains [deg].
        width: Of the rotation [deg]; None for a still.
        bandwidth, divergence: Of the beam, as a share and [rad].
        cell: [Å, deg].
        panels: 1, or 2 that are tilted against each other.
        crystal, beam: More arguments, such as a spread of the cell or a spectrum.
    """

    name: str
    mosaic: Any = 0.3
    width: float | None = None
    bandwidth: float = 0.0
    divergence: tuple[float, float] = (0.0, 0.0)
    cell: tuple[float, ...] = (40.0, 40.0, 55.0, 90.0, 90.0, 90.0)
    panels: int = 1
    crystal: Mapping[str, Any] = field(default_factory=dict)
    beam: Mapping[str, Any] = field(default_factory=dict)

    def experiment(self) -> jb.Experiment:
        """The experiment."""
        beam: dict[str, Any] = {"sources": jb.GaussianSources(self.bandwidth, *self.divergence)} | dict(self.beam)
        crystal = {"cells": (12, 12, 10), "mosaic": jb.GaussianMosaic(self.mosaic)} | dict(self.crystal)
        scan = jb.Scan((7.0,)) if self.width is None else jb.Scan.continuous(7.0, self.width)
        return jb.Experiment(
            beam=jb.Beam(1.0, fluence=1e28, polarization=0.5, **beam),
            crystal=jb.Crystal(self.cell, misset=(11, 22, 33), shape="gauss", **crystal),
            detector=_panel() if self.panels == 1 else _tilted(),
            structure_factors=jb.StructureFactors(_factors((12, 12, 15)), (-12, -12, -15)),
            scan=scan,
        )


def _two_colours() -> tuple[np.ndarray, np.ndarray]:
    """Two peaks, 2 % apart [Å, relative]."""
    at = np.linspace(0.98, 1.02, 41)
    return at, np.exp(-0.5 * ((at - 0.99) / 0.002) ** 2) + 0.5 * np.exp(-0.5 * ((at - 1.01) / 0.004) ** 2)


ACCURACY = (
    Small("mosaic 0.1°", 0.1),
    Small("mosaic 0.3°"),
    Small("mosaic 1°", 1.0),
    Small("mosaic 3°", 3.0),
    Small("mosaic 0.5 0.1 0.3°", (0.5, 0.1, 0.3)),
    Small("mosaic 1 0 0.2°", (1.0, 0.0, 0.2)),
    Small("rotation 0.1°", 0.1, 0.1),
    Small("rotation 0.5°", 0.1, 0.5),
    Small("rotation 1°", 0.05, 1.0),
    Small("rotation 2°", 0.2, 2.0),
    Small("rotation 1°, no mosaic", 0.0, 1.0),
    Small("rotation 1°, mosaic 0.5 0.1 0.3°", (0.5, 0.1, 0.3), 1.0),
    Small("pink 0.1 %", bandwidth=0.001),
    Small("pink 0.3 %", bandwidth=0.003),
    Small("pink 1 %", bandwidth=0.01),
    Small("pink 0.3 %, rotation 0.5°", 0.1, 0.5, bandwidth=0.003),
    Small("divergence 1 and 0.5 mrad", 0.2, divergence=(1e-3, 5e-4)),
    Small("tilted panels", panels=2),
    Small("tilted panels, rotation 1°", 0.1, 1.0, panels=2),
    Small("triclinic", cell=_TRICLINIC),
    Small("triclinic, rotation 1°", 0.1, 1.0, cell=_TRICLINIC),
    Small("triclinic, pink 0.3 %", bandwidth=0.003, cell=_TRICLINIC),
    Small("mosaic of six numbers", (0.5, 0.2, 0.3, 0.2, -0.1, 0.05)),
    Small("pink 1 %, rotation 2°", width=2.0, bandwidth=0.01),
    Small("cells 1 %", crystal={"cell_spread": jb.CellSpread(0.01)}),
    Small("cells 1, 0.2, 0.5 %", crystal={"cell_spread": jb.CellSpread((0.01, 0.002, 0.005))}),
    Small("table of a spectrum", beam={"sources": jb.SpectrumTable(*_two_colours())}),
)


@dataclass(frozen=True)
class Whole:
    """A detector's image of a protein crystal.

    Attributes:
        name: By which it is asked for.
        detector: Of `cases.DETECTORS`.
        mosaic, width, bandwidth: See `Small`.
        d_min: To which there are reflections [Å].
        edges: How much longer a, b, c are, and the shorter the crystal in cells.
        pixels: Other than the detector's, over the same area.
    """

    name: str
    detector: str = "pilatus-6m"
    mosaic: float = 0.3
    width: float | None = 1.0
    bandwidth: float = 0.0
    d_min: float = 1.3
    edges: float = 1.0
    pixels: tuple[int, int] | None = None

    def shrunk(self) -> "Whole":
        """Of few pixels and at low resolution, to see that it runs."""
        return replace(self, pixels=(316, 308), d_min=max(self.d_min, 3.0), mosaic=max(self.mosaic, 0.3))

    def experiment(self) -> jb.Experiment:
        """The experiment."""
        slow, fast = DETECTORS[self.detector][0]
        size = DETECTORS[self.detector][2]
        pixels = self.pixels or (slow, fast)
        area = (slow * size, fast * size)
        step = (area[1] / pixels[1], area[0] / pixels[0])  # along fast, then slow
        origin = (0.25, area[0] / 2, -area[1] / 2)
        cell = (79.0 * self.edges, 79.0 * self.edges, 38.0 * self.edges, 90.0, 90.0, 90.0)
        reach = tuple(int(edge / self.d_min) + 1 for edge in cell[:3])
        return jb.Experiment(
            beam=jb.Beam(0.9795, sources=jb.GaussianSources(self.bandwidth), fluence=1e24),
            crystal=jb.Crystal(
                cell, misset=(10, 20, 30), cells=tuple(n / self.edges for n in (30, 30, 60)), shape="gauss",
                mosaic=jb.GaussianMosaic(self.mosaic),
            ),
            detector=jb.FlatPanel(pixels, step, origin, (0, 0, 1), (0, -1, 0)),
            structure_factors=jb.StructureFactors(_factors(reach), tuple(-n for n in reach)),
            scan=jb.Scan() if self.width is None else jb.Scan.continuous(0.0, self.width),
        )  # fmt: skip

    def options(self, **more: Any) -> jb.Options:
        """How it is drawn: one point to a pixel, reflections to `d_min`."""
        return jb.Options(**({"oversample": 1, "d_min": self.d_min} | more))


SPEED = (
    Whole("rotation"),
    Whole("rotation-16m", "eiger-16m"),
    Whole("fine", mosaic=0.1, width=0.1),
    Whole("pink", width=None, bandwidth=0.003),
)

# What grows, in what unit, and the experiments.
SCALING: dict[str, tuple[str, tuple[tuple[float, Whole], ...]]] = {
    # As many as the crystal has cells in the same volume: longer edges, the spots as wide as they were.
    "reflections": ("reflections", tuple((0.0, Whole(f"edges × {e:g}", edges=e)) for e in (0.5, 0.7, 1.0, 1.25, 1.5))),
    "mosaic": ("°", tuple((m, Whole(f"mosaic {m:g}°", mosaic=m)) for m in (0.05, 0.1, 0.2, 0.4, 0.8))),
    "pixels": (
        "pixels",
        tuple(
            (float(slow * fast), Whole(f"{slow} × {fast}", pixels=(slow, fast)))
            for slow, fast in ((632, 616), (1264, 1232), (1896, 1848), (2527, 2463), (3574, 3483))
        ),
    ),
    "bandwidth": (
        "",
        tuple((b, Whole(f"bandwidth {b:g}", width=None, bandwidth=b)) for b in (0.0005, 0.001, 0.002, 0.004, 0.008)),
    ),
}


@cache
def _factors(reach: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).uniform(20, 200, tuple(2 * n + 1 for n in reach))


def _panel() -> jb.FlatPanel:
    return jb.FlatPanel((48, 64), 1e-3, (0.1, 0.024, -0.032), (0, 0, 1), (0, -1, 0))


def _tilted() -> jb.MultiPanel:
    """Two panels of 48 × 32 pixels, turned by 20° about the slow axis, towards each other."""
    cosine, sine = np.cos(np.radians(20.0)), np.sin(np.radians(20.0))
    left = jb.FlatPanel((48, 32), 1e-3, (0.1 - 0.032 * sine, 0.024, -0.032 * cosine), (sine, 0, cosine), (0, -1, 0))
    right = jb.FlatPanel((48, 32), 1e-3, (0.1, 0.024, 0.001), (-sine, 0, cosine), (0, -1, 0))
    return jb.MultiPanel([left, right])
