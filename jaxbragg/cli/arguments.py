"""argparse with this command line's messages: one line for a wrong argument, the nearest flag for a misspelt one."""

from __future__ import annotations

import argparse
import difflib
import math
from collections.abc import Callable, Sequence
from typing import NoReturn

from jaxbragg.cli.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A sub-command's flags; `example` ends the help page as it stands."""

    def __init__(self, name: str, description: str, example: str) -> None:
        super().__init__(
            f"jaxbragg {name}",
            description=description,
            epilog=example,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def parse(self, argv: Sequence[str]) -> argparse.Namespace | None:
        """The arguments; None where the help page was asked for, which is printed then.

        Raises:
            UsageError: An argument is wrong, missing or one too many.
        """
        if any(text in ("--help", "-h") for text in argv):
            self.print_help()
            return None
        for text in argv:
            flag = text.partition("=")[0]
            if text.startswith("--") and len(text) > 2 and flag not in self._option_string_actions:
                near = difflib.get_close_matches(flag, self._option_string_actions, n=1)
                hint = f": did you mean {near[0]}?" if near else f": see {self.prog} --help"
                raise UsageError(f"unknown flag {flag}{hint}")
        return self.parse_args(argv)

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would print."""
        raise UsageError(f"{message}; see {self.prog} --help")


def positive(text: str) -> float:
    """A finite number above zero, for `type=`."""
    return _number(text, lambda value: value > 0.0, "a positive number")


def not_negative(text: str) -> float:
    """A finite number that is zero or more, for `type=`."""
    return _number(text, lambda value: value >= 0.0, "a number that is not negative")


def finite(text: str) -> float:
    """A finite number, for `type=`."""
    return _number(text, lambda value: True, "a number")


def count(text: str) -> int:
    """A positive whole number, for `type=`."""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a positive whole number, but got {text!r}")
    return int(text)


def index(text: str) -> int:
    """A whole number from 0, for `type=`."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, but got {text!r}")
    return int(text)


def _number(text: str, allowed: Callable[[float], bool], wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and allowed(value)):
        raise argparse.ArgumentTypeError(f"expected {wanted}, but got {text!r}")
    return value
