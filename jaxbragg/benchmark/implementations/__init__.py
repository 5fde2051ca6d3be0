"""Who draws: jaxbragg in three precisions, the textbook formula, and its relatives.

All answer the same questions (`base.Implementation`), so that one table holds them.
"""

from collections.abc import Callable, Sequence

from jaxbragg.benchmark.implementations.base import Implementation
from jaxbragg.benchmark.implementations.nanobragg import NanoBragg, ReadExperiment
from jaxbragg.benchmark.implementations.own import Own
from jaxbragg.benchmark.implementations.stills import Batch, Loop
from jaxbragg.benchmark.implementations.textbook import Textbook
from jaxbragg.benchmark.implementations.torch import NanobragTorch
from jaxbragg.benchmark.names import IMPLEMENTATIONS


def make(name: str, nanobragg: str | None = None, read_experiment: ReadExperiment | None = None) -> Implementation:
    """An implementation by its name.

    Args:
        name: One of `IMPLEMENTATIONS`.
        nanobragg: Path of the C program's binary.
        read_experiment: From its flags to an experiment and options, for what its images are held against.
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
