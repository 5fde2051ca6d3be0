"""The named cases: what is drawn, how large, and by whom unless told otherwise.

A group asks one question; its cases differ in what the question is about and in nothing else.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

from benchmarks.commands import COMMANDS, Command


class Lattice(NamedTuple):
    """A unit cell [Å, deg]; all crystals are turned by the same odd angles."""

    cell: tuple[float, float, float, float, float, float]
    misset: tuple[float, float, float] = (10.0, 20.0, 30.0)


LATTICES = {
    "cubic": Lattice((100, 100, 100, 90, 90, 90)),
    "lysozyme": Lattice((27.1, 31.3, 33.8, 88.0, 108.0, 112.1)),
    "ribosome": Lattice((200, 220, 250, 74, 82, 68), (13, 27, 41)),
}

# Pixels along slow and fast, panels, pixel size [m]; from the manufacturers' sheets, the Jungfrau's 32 modules with
# their wide pixels counted double, as its data come.
DETECTORS: dict[str, tuple[tuple[int, int], int, float]] = {
    "pilatus-300k": ((619, 487), 1, 172e-6),
    "pilatus-1m": ((1043, 981), 1, 172e-6),
    "pilatus-6m": ((2527, 2463), 1, 172e-6),
    "eiger-9m": ((3269, 3110), 1, 75e-6),
    "eiger-16m": ((4371, 4150), 1, 75e-6),
    "jungfrau-16m": ((514, 1030), 32, 75e-6),
}

OWN = ("mixed", "float32", "float64")
TABLE = ("textbook", *OWN, "nanobragg", "nanobrag_torch")


@dataclass(frozen=True)
class Case:
    """One image, or a batch of stills, to be drawn.

    Attributes:
        name: By which it is asked for.
        group: The question that it belongs to.
        about: What it is, in a few words.
        pixels: Along slow and fast.
        panels: Of that size.
        pixel_size: [m].
        distance: Sample to detector [m].
        lattice: A name of `LATTICES`.
        cells: Unit cells along a, b, c.
        shape: Of the spots.
        domains: Mosaic domains within half a degree.
        wavelengths: Within one per cent.
        phi_steps: Within one degree.
        table: Whether structure factors are looked up; otherwise all are alike.
        stills: Images, each of a crystal of its own orientation; 1 for no batch.
        options: Fields of `Options` other than the default, as pairs; one that does not exist leaves the case out.
        implementations: Who draws it unless told otherwise.
        modes: Of `names.MODES`, unless told otherwise.
        isolated: In a process of its own, so that its peak memory can be told.
        line: What grows along the group: "steps" are then fitted by a line.
    """

    name: str
    group: str
    about: str
    pixels: tuple[int, int] = (512, 512)
    panels: int = 1
    pixel_size: float = 1e-4
    distance: float = 0.1
    lattice: str = "cubic"
    cells: tuple[int, int, int] = (36, 47, 29)
    shape: str = "square"
    domains: int = 100
    wavelengths: int = 1
    phi_steps: int = 1
    table: bool = True
    stills: int = 1
    options: tuple[tuple[str, Any], ...] = ()
    implementations: tuple[str, ...] = TABLE
    modes: tuple[str, ...] = ("forward",)
    isolated: bool = False
    line: bool = False

    @property
    def image_pixels(self) -> int:
        """Pixels of one image."""
        return self.panels * prod(self.pixels)

    @property
    def steps(self) -> int:
        """Pixels × sub-pixels × sources × orientations, of all stills."""
        sub = dict(self.options).get("oversample", 1) ** 2
        return self.image_pixels * sub * self.wavelengths * self.phi_steps * self.domains * self.stills

    def shrunk(self) -> "Case":
        """A few thousand pixels of the same, to see that it runs: its timings mean nothing."""
        return replace(
            self,
            pixels=(min(self.pixels[0], 64), min(self.pixels[1], 64)),
            panels=min(self.panels, 2),
            domains=min(self.domains, 4),
            wavelengths=min(self.wavelengths, 3),
            stills=min(self.stills, 3),
        )


def _image_cases() -> Iterable[Case]:
    mixed = ("mixed",)
    yield Case("yardstick", "yardstick", "512², 100 domains, look-up")
    yield Case("no-table", "yardstick", "the same without the look-up", table=False)
    for shape in ("round", "gauss", "tophat"):
        yield Case(shape, "shapes", f"the same with {shape} spots", shape=shape, implementations=OWN)
    yield Case("tricubic", "shapes", "interpolated", options=(("interpolation", "tricubic"),), implementations=OWN)
    for cells, name in (((36, 47, 29), "36x47x29"), ((100, 100, 100), "100")):
        for skip, word in ((0.0, "all"), (1e-6, "skip")):
            yield Case(
                f"gauss-{name}-{word}", "skipping", f"gauss, N {name}, {'1e-6 skipped' if skip else 'all tiles'}",
                cells=cells, shape="gauss", options=(("skip_below", skip),), implementations=mixed,
            )  # fmt: skip
    for skip, word in ((0.0, "all"), (1e-6, "skip")):
        yield Case(
            f"gauss-6m-{word}", "skipping", f"Pilatus 6M, gauss, 10 φ steps, {'1e-6 skipped' if skip else 'all tiles'}",
            pixels=(2527, 2463), pixel_size=172e-6, distance=0.23127, lattice="lysozyme", phi_steps=10,
            shape="gauss", options=(("skip_below", skip),), implementations=mixed,
        )  # fmt: skip
    for domains in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        yield Case(
            f"domains-{domains}", "domains", f"512², {domains} domains",
            domains=domains, implementations=mixed, line=True,
        )  # fmt: skip
    for edge in (128, 256, 512, 1024, 2048, 4096):
        yield Case(
            f"pixels-{edge}", "pixels", f"{edge}², 10 domains",
            pixels=(edge, edge), domains=10, implementations=mixed, line=True,
        )  # fmt: skip
    for wavelengths in (1, 10, 100):
        yield Case(
            f"wavelengths-{wavelengths}", "wavelengths", f"512², 10 domains, {wavelengths} wavelengths",
            domains=10, wavelengths=wavelengths, implementations=("textbook", "mixed", "nanobragg"),
        )  # fmt: skip
    for name, (pixels, panels, size) in DETECTORS.items():
        yield Case(
            name, "detectors", f"{panels} × {pixels[0]} × {pixels[1]}, triclinic, 10 domains",
            pixels=pixels, panels=panels, pixel_size=size, distance=0.23127, lattice="lysozyme", domains=10,
            implementations=("textbook", "mixed", "nanobragg"),
        )  # fmt: skip
    for name, lattice, cells in (
        ("crystal-5", "cubic", (5, 5, 5)),
        ("crystal-lysozyme", "lysozyme", (36, 47, 29)),
        ("crystal-300", "ribosome", (300, 300, 300)),
        ("crystal-1000", "ribosome", (1000, 1000, 1000)),
    ):
        yield Case(name, "crystals", f"512², N {cells[0]}, {lattice}", lattice=lattice, cells=cells, domains=10,
                   implementations=OWN)  # fmt: skip
    for domains in (1, 10, 100, 1000):
        yield Case(
            f"memory-{domains}", "memory", f"Pilatus 6M, {domains} domains, its own process",
            pixels=(2527, 2463), pixel_size=172e-6, distance=0.23127, domains=domains,
            implementations=mixed, isolated=True,
        )  # fmt: skip
    # What a fit asks for at each step; of one orientation, what is done once for each pixel counts most.
    for domains in (1, 100):
        yield Case(f"jacobian-{domains}", "jacobian", f"512², {domains} orientation(s), 12 columns",
                   domains=domains, implementations=mixed, modes=("forward", "jacobian"))  # fmt: skip
    yield Case("jacobian-fit", "jacobian", "512², one orientation, gauss, N 10, no table, 12 columns",
               cells=(10, 10, 10), shape="gauss", domains=1, table=False, implementations=mixed,
               modes=("forward", "jacobian"))  # fmt: skip
    yield Case("stills-256", "stills", "256 stills of 128², 10 domains", pixels=(128, 128), domains=10, stills=256,
               pixel_size=4e-4, implementations=("loop", "batch"))  # fmt: skip
    yield Case("stills-64", "stills", "64 stills of 1024², 10 domains", pixels=(1024, 1024), domains=10, stills=64,
               implementations=("loop", "batch"))  # fmt: skip
    # The set-up in which nanobrag_torch was timed by its authors (RTX 4090: 1000 domains in 17.2 ms, float32).
    for domains in (1, 10, 100, 1000):
        yield Case(f"mosaic-{domains}", "mosaic", f"1024², N 5, no table, {domains} domains", pixels=(1024, 1024),
                   cells=(5, 5, 5), domains=domains, table=False, line=True,
                   implementations=(*OWN, "nanobragg", "nanobrag_torch"))  # fmt: skip
    for name, values in (("unroll", (1, 2, 4, 8, 16, 32)), ("block_pixels", tuple(2**k for k in (14, 16, 18, 20, 22)))):
        for value in values:
            yield Case(f"{name.split('_')[0]}-{value}", "tuning", f"1024², N 5, no table, {name} {value}",
                       pixels=(1024, 1024), cells=(5, 5, 5), table=False, options=((name, value),),
                       implementations=mixed)  # fmt: skip


CASES: dict[str, Case | Command] = {case.name: case for case in (*_image_cases(), *COMMANDS)}
GROUPS: dict[str, list[str]] = {}
for _case in CASES.values():
    GROUPS.setdefault(_case.group, []).append(_case.name)


def find(words: Iterable[str]) -> list[Case | Command]:
    """The cases of some names, each a case's, a group's or "all"; each case once, in the order of the table.

    Raises:
        KeyError: With a sentence about the word that names nothing.
    """
    wanted: set[str] = set()
    for word in words:
        if word == "all":
            wanted.update(CASES)
        elif word in CASES:
            wanted.add(word)
            if word in GROUPS:
                wanted.update(GROUPS[word])
        elif word in GROUPS:
            wanted.update(GROUPS[word])
        else:
            near = difflib.get_close_matches(word, [*CASES, *GROUPS, "all"], n=1)
            hint = f"did you mean {near[0]}?" if near else "see python -m benchmarks --list"
            raise KeyError(f"unknown case {word!r}: {hint}")
    return [case for name, case in CASES.items() if name in wanted]
