"""What the benchmark asks of whoever draws."""

import abc
from typing import Any

from benchmarks.cases import Case
from benchmarks.harness import Measured

Region = tuple[int, int, int, int]


class Implementation(abc.ABC):
    """A program that draws images of cases."""

    name: str

    @abc.abstractmethod
    def refusal(self, case: Case, mode: str) -> str | None:
        """Why it does not draw this, in a few words; None if it does."""

    @abc.abstractmethod
    def measure(self, case: Case, mode: str, repeats: int) -> Measured:
        """Draw it a number of times.

        Raises:
            RuntimeError: If a program of its own fails.
        """

    def truth(self, case: Case, region: Region | None) -> Any:
        """What its image is compared with, or None for jaxbragg's in float64."""
        del case, region
        return None
