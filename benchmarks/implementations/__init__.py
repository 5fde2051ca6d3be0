"""Who draws: jaxbragg in three precisions, the textbook formula, and its relatives.

All answer the same questions (`base.Implementation`), so that one table holds them.
"""

from collections.abc import Callable, Sequence

from benchmarks.implementations.base import Implementation
from benchmarks.implementations.nanobragg import NanoBragg, ReadExperiment
from benchmarks.implementations.own import Own
from benchmarks.implementations.stills import Batch, Loop
from benchmarks.implementations.textbook import Textbook
from benchmarks.implementations.torch import NanobragTorch
from benchmarks.names import IMPLEMENTATIONS


def make(name: str, nanobragg: str | None = None, read_experiment: ReadExperiment | None = None) -> Implementation:
    """An implementation by its name.

    Args:
        name: One of `IMPLEMENTATIONS`.
        nanobragg: Path of the C program's binary.
        read_experiment: From its flags to an experiment and options, for what its images are compared with.
    """
    makers: dict[str, Callable[[], Implementation]] = {
        "textbook": Textbook,
        "loop": Loop,
        "batch": Batch,
        "nanobragg": lambda: NanoBragg(nanobragg, read_experiment),
        "nanobrag_torch": NanobragTorch,
    }
    return makers[name]() if name in makers else Own(name)


def in_order(names: Sequence[str]) -> list[str]:
    """The names as they are run."""
    return [name for name in IMPLEMENTATIONS if name in names]
