"""nanobrag_torch, the PyTorch port, where it is installed.

Written from its sources of September 2026 and never run by jaxbragg's authors: it could not be installed where they
worked. It takes what the port was timed with by its own authors (`mosaic` cases): one panel, square spots, one
wavelength, no table of structure factors.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import jax
import numpy as np

from benchmarks.cases import LATTICES, Case
from benchmarks.experiments import DEFAULT_F, SPREAD, WAVELENGTH
from benchmarks.harness import Measured, time_calls
from benchmarks.implementations.base import Implementation


class NanobragTorch(Implementation):
    """Its `Simulator.run` in float32, compiled unless NANOBRAGG_DISABLE_COMPILE=1."""

    name = "nanobrag_torch"

    def refusal(self, case: Case, mode: str) -> str | None:
        """See `Implementation.refusal`."""
        if find_spec("nanobrag_torch") is None:
            return "nanobrag_torch is not installed"
        if mode != "forward":
            return "timed forward only"
        if case.table or case.wavelengths > 1 or case.panels > 1 or case.stills > 1 or case.phi_steps > 1:
            return "one still, panel and wavelength, no table"
        if case.shape != "square" or case.options:
            return "square spots and default options only"
        return None

    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """See `Implementation.measure`."""
        del mode
        torch = import_module("torch")
        config, models = import_module("nanobrag_torch.config"), import_module("nanobrag_torch.models")
        on_gpu = jax.default_backend() == "gpu"
        place: dict[str, Any] = {"device": torch.device("cuda" if on_gpu else "cpu"), "dtype": torch.float32}
        lattice = LATTICES[case.lattice]
        names = ("cell_a", "cell_b", "cell_c", "cell_alpha", "cell_beta", "cell_gamma")
        crystal = config.CrystalConfig(
            **dict(zip(names, map(float, lattice.cell), strict=True)),
            misset_deg=lattice.misset,
            N_cells=case.cells,
            default_F=DEFAULT_F,
            mosaic_spread_deg=SPREAD if case.domains > 1 else 0.0,
            mosaic_domains=case.domains,
        )
        # Its beam centre unless told otherwise is that of the C program, as the case's is.
        detector = config.DetectorConfig(
            distance_mm=case.distance * 1e3,
            pixel_size_mm=case.pixel_size * 1e3,
            spixels=case.pixels[0],
            fpixels=case.pixels[1],
            oversample=1,
        )
        simulator = import_module("nanobrag_torch.simulator").Simulator(
            models.Crystal(crystal, **place),
            models.Detector(detector, **place),
            beam_config=config.BeamConfig(wavelength_A=WAVELENGTH),
            **place,
        )

        images: list[Any] = []

        def run() -> None:
            images[:] = [simulator.run()]
            if on_gpu:
                torch.cuda.synchronize()

        runs, _ = time_calls(run, repeats)
        return Measured(runs, np.asarray(images[0].detach().cpu()), note=f"float32, torch {torch.__version__}")
