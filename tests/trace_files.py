"""Traces of the C program as text, from the numbers that the reference images carry."""

import json
from pathlib import Path
from typing import Any

import h5py

REFERENCE = Path(__file__).parent / "reference"


def recorded(name: str, variant: str) -> list[dict[str, Any]]:
    """What the C program said of some pixels: slow, fast, factors and steps."""
    return json.loads(_group(name, variant, lambda group: group.attrs["trace"]))


def image(name: str, variant: str):
    """The image that the C program drew, `(slow, fast)`."""
    return _group(name, variant, lambda group: group["image"][()])


def as_text(record: dict[str, Any], program: str = "C") -> str:
    """The lines that the C program printed for one pixel."""
    lines = []
    for key, value in record["factors"].items():
        if key == "I_before_scaling":
            for step in record["steps"]:
                lines.append(f"TRACE_{program}_PHI " + " ".join(f"{k}={v:.15g}" for k, v in step.items()))
        numbers = value if isinstance(value, list) else [value]
        lines.append(f"TRACE_{program}: {key} " + " ".join(f"{v:.15g}" for v in numbers))
    return "\n".join(lines) + "\n"


def write(folder: Path, name: str, variant: str, pixel: int = 0) -> Path:
    """The trace of one pixel in a file."""
    path = folder / f"{name}_{variant}.log"
    path.write_text(as_text(recorded(name, variant)[pixel]))
    return path


def _group(name, variant, take):
    for path in sorted(REFERENCE.glob("images_*.h5")):
        with h5py.File(path) as file:
            if f"{name}/{variant}" in file:
                return take(file[f"{name}/{variant}"])
    raise KeyError(name)
