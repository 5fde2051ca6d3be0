"""Names of the files of a series: a template in which # stand for the digits of an image's number."""

from __future__ import annotations

import os


def template_of(path: str) -> str:
    """`image.cbf` → `image_####.cbf`; a template stays what it is."""
    stem, ending = os.path.splitext(path)
    return path if "#" in os.path.basename(stem) else f"{stem}_####{ending}"


def numbered_names(template: str, count: int) -> tuple[str, ...]:
    """The names of so many images, from 1 on.

    Raises:
        ValueError: The digits do not suffice.
    """
    folder, name = os.path.split(template)
    start = name.index("#")
    width = len(name[start:]) - len(name[start:].lstrip("#"))
    if count >= 10**width:
        raise ValueError(f"{count} images need more digits than {width}")
    return tuple(os.path.join(folder, f"{name[:start]}{i + 1:0{width}d}{name[start + width :]}") for i in range(count))


def template_over(names: list[str]) -> str:
    """The template of names whose only difference is the number."""
    first, last = names[0], names[-1]
    start = next(i for i, (one, other) in enumerate(zip(first, last, strict=True)) if one != other)
    while start and first[start - 1].isdigit():
        start -= 1
    end = start
    while end < len(first) and first[end].isdigit():
        end += 1
    return first[:start] + "#" * (end - start) + first[end:]


def beside(path: str, ending: str) -> str:
    """The file of another ending beside an image, or beside a series."""
    return os.path.splitext(path)[0].rstrip("#_") + ending
