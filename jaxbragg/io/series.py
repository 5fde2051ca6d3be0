"""What images in numbered files are of: a small file beside them, by which `--resume` knows its own.

It says which images are there, too: those of a series that was there before, and was begun anew, are not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxbragg.io.atomic import write_atomically
from jaxbragg.io.errors import FileError, reason_of
from jaxbragg.io.numbered import beside

_LONGEST = 1 << 26  # [bytes] millions of images


@dataclass
class Series:
    """Of what, and how far.

    Attributes:
        path: The file.
        fingerprint: The same for the same images.
        flags: What each flag says, to name what differs.
        images: Numbers of those that are there, from 0.
    """

    path: str
    fingerprint: str
    flags: Mapping[str, str]
    images: set[int]

    def add(self, *numbers: int) -> None:
        """Notes images that are there now.

        Raises:
            FileError: The file cannot be written.
        """
        self.images.update(numbers)
        content = {
            "fingerprint": self.fingerprint,
            "flags": dict(self.flags),
            "images": [number + 1 for number in sorted(self.images)],
        }
        write_atomically(self.path, (json.dumps(content) + "\n").encode())

    def check_same(self, other: Series) -> None:
        """That another is of the same images.

        Raises:
            FileError: It is not; the message names the flags that differ.
        """
        if self.fingerprint == other.fingerprint:
            return
        names = [name for name in {**self.flags, **other.flags} if self.flags.get(name) != other.flags.get(name)]
        said = ", ".join(
            f"{name} was {self.flags.get(name, 'not given')} and is {other.flags.get(name, 'not given')}"
            for name in names[:3]
        )
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        what = said + more if names else "what a file holds that flags name, or the program, has changed"
        raise FileError(self.path, f"the images are of another series: {what}; give these flags, or another --output")


def path_of(template: str) -> str:
    """`images/im_####.cbf` → `images/im.cbf.json`."""
    return beside(template, os.path.splitext(template)[1] + ".json")


def read_series(path: str) -> Series | None:
    """What is written of a series; None where nothing is.

    Raises:
        FileError: The file cannot be read, or is no such file.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(path, reason_of(error)) from error
    try:
        found: Any = json.loads(content)
        flags = {str(name): str(value) for name, value in found["flags"].items()}
        return Series(path, str(found["fingerprint"]), flags, {int(number) - 1 for number in found["images"]})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FileError(path, "expected what a series of images is of, but it is something else: remove it") from None
