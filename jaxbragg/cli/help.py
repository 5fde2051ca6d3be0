"""The help pages, made from the flag table; no heavy import, so that `--help` answers at once."""

from __future__ import annotations

import textwrap

from jaxbragg.cli.flag_table import FLAGS, GROUPS
from jaxbragg.cli.flags import Flag

WIDTH = 100
_INDENT = 34

STILL = "jaxbragg -cell 40 40 55 90 90 90 -default_F 100 -N 10 -lambda 1 -distance 100 -detpixels 512 --png spots.png"
ROTATION = (
    "jaxbragg simulate -cell 40 40 55 90 90 90 -misset 10 20 30 -default_F 100 -N 10 -lambda 1 "
    "-distance 100 -detpixels 512 -osc 1 -phisteps 10 -mosaic 0.5 -mosaic_domains 20 -floatfile rotation.bin"
)

# One line for each sub-command that exists: add yours here.
COMMANDS: dict[str, str] = {
    "simulate": "simulate a diffraction image; jaxbragg FLAGS does it too",
    "compare-traces": "find the first factor in which two programs differ in one pixel",
    "compare-images": "how alike two images are, and where they differ",
    "trace": "every factor of some pixels, step by step",
    "view": "a picture of an image: rings, predicted spots; two images and their difference",
    "convert": "images from one format into another, with their geometry",
    "batch": "any number of shots of a plan, drawn and written without losing one",
    "refine": "fit cell, orientation, detector, … to measured images, with uncertainties",
    "benchmark": "how long an image takes here: compilation, run, memory",
}

VARIABLES: dict[str, str] = {
    "JAXBRAGG_CACHE": "off, or a folder: compiled programs are kept there, at most 256 MB, and found by later runs; "
    "without it in the user's cache folder (~/.cache/jaxbragg, ~/Library/Caches/jaxbragg, %LOCALAPPDATA%\\jaxbragg). "
    "JAX's own JAX_COMPILATION_CACHE_DIR goes before it",
    "XLA_FLAGS": "flags of JAX's compiler, which go before jaxbragg's choice of vector width",
}


def general_help() -> str:
    """The page of `jaxbragg --help`: what it is, how it is called, two examples."""
    rows = "\n".join(_row(name, text, 18) for name, text in COMMANDS.items())
    return "\n".join(
        [
            f"jaxbragg {version()}: X-ray diffraction images of small crystals, after nanoBragg, in JAX",
            "",
            "Usage:",
            "  jaxbragg COMMAND …          one of the commands below",
            "  jaxbragg FLAGS              nanoBragg's flags: short for jaxbragg simulate FLAGS",
            "  jaxbragg COMMAND --help     what a command takes",
            "  jaxbragg --detectors        the detectors that --detector knows",
            "",
            "Commands:",
            rows,
            "",
            "A still image of a cell, as a picture:",
            _example(STILL),
            "",
            "One degree of rotation of a mosaic crystal, as raw float32:",
            _example(ROTATION),
            "",
            "Environment variables:",
            *(_row(name, text, 18) for name, text in VARIABLES.items()),
            "",
        ]
    )


def simulate_help() -> str:
    """The page of `jaxbragg simulate --help`: every flag, in groups."""
    lines = [
        f"jaxbragg {version()}: simulate a diffraction image",
        "",
        "Usage: jaxbragg simulate FLAGS, or jaxbragg FLAGS where the first argument begins with a dash",
        "",
        "Example:",
        _example(STILL),
        "",
        "Values follow their flag as separate arguments; two-dash flags also take --flag=value. Flags match",
        "letter for letter; one shown with an ellipsis matches every argument that begins so.",
    ]
    for group in GROUPS:
        lines += ["", f"{group}:"]
        lines += [_row(_left(flag), _right(flag), _INDENT) for flag in FLAGS if flag.group == group]
    return "\n".join(lines) + "\n"


def version() -> str:
    """The installed version of jaxbragg, or "(not installed)"."""
    from importlib.metadata import PackageNotFoundError, version  # 30 ms, and only the pages need it

    try:
        return version("jaxbragg")
    except PackageNotFoundError:
        return "(not installed)"


def _left(flag: Flag) -> str:
    values = "{" + ",".join(flag.choices) + "}" if flag.choices else flag.values
    for keyword in flag.keywords:
        values += f" | {keyword}"
    if flag.least < flag.most:
        first, rest = flag.values.split()[: flag.least], flag.values.split()[flag.least :]
        values = " ".join(first) + " [" + " ".join(rest) + "]"
    # a spelling that its own ellipsis covers is not shown twice
    words = [word for word in flag.words if not any(o != word and o == f"{word}…" for o in flag.words)]
    return f"{', '.join(words)} {values}".rstrip()


def _right(flag: Flag) -> str:
    text = flag.help
    text += f" [{flag.unit}]" if flag.unit else ""
    return text + (f" (default {flag.default})" if flag.default else "")


def _row(left: str, right: str, indent: int) -> str:
    lines = textwrap.wrap(right, WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    if len(left) + 4 > indent:
        return "\n".join([f"  {left}", *(" " * indent + line for line in lines)])
    return "\n".join([f"  {left}".ljust(indent) + lines[0], *(" " * indent + line for line in lines[1:])])


def _example(command: str) -> str:
    """Wrap a command with backslashes, so that it can be pasted as it stands."""
    lines = textwrap.wrap(command, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    return " \\\n".join("    " + ("  " if number else "") + line for number, line in enumerate(lines))
