"""A configuration into a problem: experiments from flags, images from files, what is free, and the solver."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.refine.argv import no_part, replaced
from jaxbragg.cli.refine.config import Config
from jaxbragg.cli.refine.images import Loaded, load_image
from jaxbragg.cli.toml_file import flags_of_file, resolved

if TYPE_CHECKING:
    from jaxbragg.models import Experiment
    from jaxbragg.options import Options
    from jaxbragg.refine import Parameter, Problem


@dataclass(frozen=True)
class Request:
    """Everything that is to be fitted.

    Attributes:
        problem: Of the library.
        argv: The flags of each image, files found.
        images: As they were read.
        notes: What the flags imply, for the log.
        warnings: What is probably not meant.
    """

    problem: Problem
    argv: tuple[list[str], ...]
    images: tuple[Loaded, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def build(config: Config) -> Request:
    """Read everything that the configuration names, and check it.

    Raises:
        UsageError: If the configuration cannot be.
        FileError: If a file cannot be read or does not go with the rest.
    """
    from jaxbragg.refine import Problem

    common = _common_words(config)
    argv, experiments, options, said, warnings = [], [], None, {}, {}
    for index in range(len(config.rows("images"))):
        own = resolved(config.argv("images", index), config.path)
        mine = replaced(common, own)
        experiment, options_here, notes = _experiment(config, index, mine, own)
        said |= dict.fromkeys(notes.said)
        warnings |= dict.fromkeys(notes.warnings)
        options = _same_options(config, index, options, options_here)
        argv.append(mine)
        experiments.append(experiment)
    assert options is not None
    images = tuple(load_image(config, i, e.detector.image_shape) for i, e in enumerate(experiments))
    try:
        problem = Problem(
            experiments,
            _parameters(config, experiments),
            [image.photons for image in images],
            options,
            likelihood=_likelihood(config),
            masks=[image.mask for image in images],
            shoeboxes=[image.shoeboxes for image in images],
            background=[image.background for image in images],
            saturation=np.inf,  # the pixels that are full or hold a mark are infinite
        )
    except ValueError as error:
        raise _of_problem(config, str(error)) from None
    for image in images:
        said |= dict.fromkeys(image.notes)
        warnings |= dict.fromkeys(image.warnings)
    return Request(problem, tuple(argv), images, tuple(said), tuple(warnings))


def _common_words(config: Config) -> list[str]:
    table = config.table("experiment")
    if "file" not in table:
        return resolved(config.argv("experiment"), config.path)
    return flags_of_file(config.beside(table["file"]))


def _experiment(config: Config, index: int, argv: list[str], own: list[str]) -> tuple[Experiment, Options, Any]:
    from jaxbragg.cli.read import read_setup
    from jaxbragg.cli.scanner import scan
    from jaxbragg.refine.parameter_files import read_parameters

    table, at = ("images", index) if own else ("experiment", None)
    flag = no_part(argv)
    if flag is not None:
        raise config.wrong(table, at, "flags", f"{flag} has no part in a refinement")
    try:
        setup = read_setup(scan(argv))
    except UsageError as error:
        raise config.wrong(table, at, "flags", str(error)) from None
    row = config.rows("images")[index]
    experiment = setup.experiment
    if "parameters" in row:
        experiment = read_parameters(config.beside(row["parameters"]), experiment)
    return experiment, setup.options, setup.notes


def _same_options(config: Config, index: int, first: Options | None, here: Options) -> Options:
    """One for all images: a fit compiles its model once."""
    if first is None:
        return here
    for field in fields(here):
        one, other = getattr(first, field.name), getattr(here, field.name)
        if one != other:
            hint = "; give -oversample in [experiment]" if field.name == "oversample" else ""
            message = f"the option {field.name} is {other}, but {one} for the first image: it must be one{hint}"
            raise config.wrong("images", index, "flags", message)
    return first


def _likelihood(config: Config) -> Any:
    """The likelihood of that name in the library's table, its arguments from the other keys."""
    from jaxbragg.refine.likelihood import LIKELIHOODS, missing_arguments

    arguments = dict(config.table("likelihood"))
    name = arguments.pop("kind", "poisson")
    if name not in LIKELIHOODS:
        known = ", ".join(map(repr, LIKELIHOODS))
        raise config.wrong("likelihood", None, "kind", f"must be one of {known}, but is {name!r}")
    kind = LIKELIHOODS[name]
    for key in arguments:
        if key not in inspect.signature(kind).parameters:
            takes = ", ".join(inspect.signature(kind).parameters)
            raise config.wrong("likelihood", None, key, f"kind = '{name}' does not take it, but {takes or 'nothing'}")
    missing = missing_arguments(kind, arguments)
    if missing:
        raise config.wrong("likelihood", None, None, f"{missing[0]} is missing: kind = '{name}' needs it")
    try:
        return kind(**arguments)
    except ValueError as error:
        message = plain(str(error))
        raise config.wrong("likelihood", None, message.split(" ", 1)[0], message.split(" ", 1)[-1]) from None


def _parameters(config: Config, experiments: Sequence[Experiment]) -> list[Parameter]:
    from jaxbragg.refine.free_values import free_values

    parameters = []
    for index, row in enumerate(config.rows("parameters")):
        try:
            made = _of_row(dict(row))
            free_values(experiments, made)
        except ValueError as error:
            message = plain(str(error))
            key = message.split(" ", 1)[0]
            if key in row:
                raise config.wrong("parameters", index, key, message.removeprefix(f"{key} ")) from None
            raise config.wrong("parameters", index, None, message) from None
        parameters += made
    return parameters


def _of_row(row: dict[str, Any]) -> list[Parameter]:
    from jaxbragg.refine import Parameter, cell_parameters

    for key in ("bounds", "prior"):
        if key in row:
            row[key] = tuple(row[key])
    system = row.pop("system", None)
    if system is not None:
        return cell_parameters(system, **row)
    path = row.pop("path")
    return [Parameter(path if isinstance(path, str) else tuple(path), **row)]


def plain(message: str) -> str:
    """The library's message without its word for an argument."""
    return message.removeprefix("Argument ").rstrip(".").replace("`", "")


def _of_problem(config: Config, message: str) -> UsageError:
    number = re.search(r"\bimage (\d+)", message)
    if number is not None and re.match("Argument `(images|masks|shoeboxes|background)`", message):
        hint = "; see offset and trusted_range" if "not be negative" in message else ""
        text = plain(message).replace(f" ({number[0]})", "").replace(number[0], "this image")
        return config.wrong("images", int(number[1]), None, text + hint)
    return UsageError(f"{config.path}: {plain(message)}")


def solver_of(config: Config) -> Any:
    """The solver that the configuration asks for, with its settings."""
    from jaxbragg.refine.solvers import SOLVERS

    table = config.table("fit")
    settings: dict[str, Any] = {}
    if "steps" in table:
        settings["iterations"] = table["steps"]
    if "tolerance" in table:
        settings["tolerance"] = table["tolerance"]
    return SOLVERS[table.get("solver", "lm")](**settings)


def blurs_of(config: Config) -> tuple[float, ...]:
    """How wide spots are simulated, stage by stage, before the last."""
    table = config.table("fit")
    if not (table.get("coarse_to_fine", False) or "blurs" in table):
        return ()
    return tuple(map(float, table.get("blurs", (4.0, 2.0))))
