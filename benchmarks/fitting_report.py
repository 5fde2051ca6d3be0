"""docs/fitting.md and its figure from the record that `benchmarks/fitting.py` keeps: no number is written by hand."""

import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

CELL = ("a", "b", "c", "alpha", "beta", "gamma")
# What a limit is set for: names of results, unit, digits, factor.
GROUPS = {
    "misset": (("misset",), "°", 4, 1.0),
    "lengths": (CELL[:3], "Å", 4, 1.0),
    "angles": (CELL[3:], "°", 4, 1.0),
    "N": (("N",), "", 3, 1.0),
    "scale": (("scale",), "%", 2, 100.0),
}
ASKED = {"mean": (0.0, 0.3), "sd": (1.0, 0.2), "scatter_over_bound": (1.0, 0.2)}
NOT_YET = "Not measured yet: `python -m benchmarks.fitting {study} --out {record}`.\n"


def write(record: str, page: str, figure: str) -> None:
    """Write the page, and the figure beside it where the capture range was measured.

    Args:
        record: JSON file.
        page: Markdown file.
        figure: PNG file; the page names it by its name alone.
    """
    studies = json.loads(Path(record).read_text(encoding="utf-8"))
    parts = [_HEAD.format(record=record)]
    for study, (title, section) in SECTIONS.items():
        body = (
            section(studies[study], Path(figure).name)
            if study in studies
            else NOT_YET.format(study=study, record=record)
        )
        parts.append(f"## {title}\n\n{body}")
    Path(page).write_text("\n".join(parts), encoding="utf-8")
    if "capture" in studies:
        draw_capture(studies["capture"], figure)


# 1. Is the truth found? --------------------------------------------------------------------------------------------


def recovered(study: dict[str, Any], _: str) -> str:
    """A row for each fit, errors and uncertainties by groups, then times."""
    fits, limits = study["fits"], study["limits"]
    asked = [f"{name} {_of(limits[words[0]], digits, factor)}{unit and ' '}{unit}".replace(" °", "°")
             for name, (words, unit, digits, factor) in GROUPS.items()]  # fmt: skip
    missed = [f for f in fits if not (f["within"] and f["converged"])]
    lines = [
        f"Stills of {study['pixels']} × {study['pixels']} pixels, spots of up to some 1e4 photons over a background of "
        f"3, Poisson noise. The start is {study['start_misset_off_deg']}° and some tenths of an Å and of a degree off, "
        "with N 9.5 in place of 10. Free are the cell, as its symmetry allows, three angles of the misset, N, the "
        f"scale and the background. Asked: {', '.join(asked)}. "
        + (f"{len(fits) - len(missed)} of {len(fits)} fits converged within all limits." if missed else
           f"All {len(fits)} fits converged within all limits."),
        "",
        "The largest error of each group, and after ± the largest standard uncertainty:",
        "",
        _row("cell", "spots", "solver", *(f"{n}{f' [{u}]' if u else ''}" for n, (_, u, _, _) in GROUPS.items()),
             "χ²/dof", "within"),
        "|---|---|---|" + "--:|" * len(GROUPS) + "--:|---|",
    ]  # fmt: skip
    for fit in fits:
        cells = [_group(fit, *group) for group in GROUPS.values()]
        good = "yes" if fit["within"] and fit["converged"] else f"**no**: {fit['message']}"
        lines.append(_row(fit["cell"], fit["shape"], fit["solver"], *cells, f"{fit['chi2_per_dof']:.3f}", good))
    lines += [
        "",
        "How long it took: steps, evaluations (of the objective alone; of objective and gradient in reverse mode; of "
        "the normal equations, one for the uncertainties among them), seconds from the start of a process to its "
        "result, and seconds of the same fit once more in that process. Asked: 20 s and 3 s for `lm`.",
        "",
        _row("cell", "spots", "solver", "steps", "objective", "gradient", "equations", "cold [s]", "warm [s]"),
        "|---|---|---|" + "--:|" * 6,
    ]
    for fit in fits:
        counts = [fit["evaluations"].get(k, 0) for k in ("objective", "objective_and_gradient", "normal_equations")]
        times = (f"{fit['cold_s']:.1f}", f"{fit['second_s']:.2f}")
        lines.append(_row(fit["cell"], fit["shape"], fit["solver"], fit["steps"], *counts, *times))
    return "\n".join([*lines, "", _where(study)])


def _group(fit: dict[str, Any], words: Sequence[str], unit: str, digits: int, factor: float) -> str:
    del unit
    names = [n for n in fit["errors"] if n.rsplit(".", 1)[-1].split("[")[0] in words]
    if not names:
        return "–"
    error = max(abs(fit["errors"][n]) for n in names)
    sigma = [fit["uncertainties"][n] for n in names]
    known = "not determined" if None in sigma else _of(max(sigma), digits, factor)
    return f"{_of(error, digits, factor)} ± {known}"


# 2. Are the uncertainties true? ------------------------------------------------------------------------------------


def pulled(study: dict[str, Any], _: str) -> str:
    """For each shape a table, a row for each value, and how many miss what was asked."""
    realisations = study["seeds"][1] + 1
    lines = [
        f"The still of the monoclinic cell, {study['pixels']} × {study['pixels']} pixels, with {realisations} "
        "realisations of its noise (seeds 0, 1, 2, …). A pull is an error over its reported uncertainty. Asked of 50: "
        "mean 0 ± 0.3, standard deviation 1 ± 0.2, and a scatter of the values within 20 % of the Cramér–Rao bound at "
        "the truth. The mean of 50 normal numbers scatters by 0.14, their standard deviation by 0.10, so that of 12 "
        "right values one often misses by chance; those of more realisations scatter less. A miss is bold.",
        "",
    ]
    for shape, found in study["shapes"].items():
        tables = found["realisations"]
        heads = [f"{word}, {n}" for n in tables for word in ("mean", "sd", "scatter/bound")]
        lines += [
            f"{shape.capitalize()} spots, {found['converged']} of {realisations} converged:",
            "",
            _row("value", "bound", *heads),
            "|---|--:|" + "--:|" * len(heads),
        ]
        for name, bound in found["bound"].items():
            numbers = [_asked(table[name][key], *ASKED[key]) for table in tables.values() for key in ASKED]
            lines.append(_row(f"`{name}`", f"{bound:.2g}", *numbers))
        lines += ["", f"Missed: {_missed(tables)}.", ""]
    return "\n".join([*lines, _where(study)])


def _missed(tables: dict[str, Any]) -> str:
    parts = []
    for number, table in tables.items():
        wrong = sum(abs(row[key] - middle) > most for row in table.values() for key, (middle, most) in ASKED.items())
        parts.append(f"{wrong} of {3 * len(table)} with {number} realisations")
    return ", ".join(parts)


def _asked(value: float, middle: float, most: float) -> str:
    return f"**{value:.2f}**" if abs(value - middle) > most else f"{value:.2f}"


# 3. From how far? --------------------------------------------------------------------------------------------------


def captured(study: dict[str, Any], figure: str) -> str:
    """The rates, and the figure."""
    lines = [
        f"The same still with {study['pixels']} × {study['pixels']} pixels, N 5 % too small at the start, the "
        f"cell right, the misset off by a rotation vector of random direction ({study['directions']} of each length). "
        "A fit succeeds that ends within 0.005° of the truth. As it is: Levenberg and Marquardt, at most 50 steps. "
        "Blurs: spots are drawn that many times wider first (`fit_coarse_to_fine`). In percent:",
        "",
        f"![Success rate against the start's error]({figure})",
        "",
    ]
    for crystal, ways in study["rates"].items():
        lines += [
            _row(f"{crystal}, off by", *(f"{e}°" for e in study["errors_deg"])),
            "|---|" + "--:|" * len(study["errors_deg"]),
            *(_row(way, *(f"{100 * rate:.0f}" for rate in rates)) for way, rates in ways.items()),
            "",
        ]
    return "\n".join([*lines, _where(study)])


def draw_capture(study: dict[str, Any], path: str) -> None:
    """The rates as curves."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(study["rates"]), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    rates = study["rates"]
    drawn = figure.subplots(1, len(rates), sharey=True, squeeze=False)[0]
    for axes, (crystal, ways) in zip(drawn, rates.items(), strict=True):
        for (way, rate), mark in zip(ways.items(), cycle("os^v"), strict=False):
            axes.plot(study["errors_deg"], [100 * r for r in rate], marker=mark, label=way)
        axes.set(title=crystal, xlabel="misset off at the start [°]")
        axes.grid(visible=True, alpha=0.3)
    drawn[0].set(ylabel=f"fits that succeed [% of {study['directions']}]")
    drawn[0].legend()
    figure.savefig(path, dpi=100)


# 4. Many stills ----------------------------------------------------------------------------------------------------


def together(study: dict[str, Any], _: str) -> str:
    """A row for each number of stills, and what of the detector is not determined."""
    pixels = study["pixels"]
    lines = [
        f"Stills of {pixels} × {pixels} pixels in random orientations, each with an orientation, N, scale and "
        "background of its own, six values; all share the detector's three shifts and its rotations. The cell is held. "
        "Turned about the beam, the detector and all crystals look the same: with that sixth shared value free the fit "
        "has to say so, and a prior for it, 0 ± 0.05°, is the way out. Memory is the process's peak, less what it was "
        "before the fit, when the images were there already. Errors are those of all determined values, over their "
        "uncertainties.",
        "",
        _row("stills", "shared", "values", "converged", "steps", "first [s]", "again [s]", "memory [MB]",
             "error/σ, rms", "largest", "χ²/dof", "not determined"),
        "|--:|---|--:|---|" + "--:|" * 7 + "---|",
    ]  # fmt: skip
    for fit in study["fits"]:
        lost = f"{len(fit['undetermined'])} values" if fit["undetermined"] else "–"
        lines.append(
            _row(
                fit["stills"], fit["shared"], fit["values"], "yes" if fit["converged"] else "**no**", fit["steps"],
                f"{fit['first_s']:.1f}", f"{fit['second_s']:.1f}", f"{fit['memory_mb'] - fit['before_mb']:.0f}",
                f"{fit['rms_pull']:.2f}", f"{fit['largest_pull']:.2f}", f"{fit['chi2_per_dof']:.4f}", lost,
            )
        )  # fmt: skip
    reasons = {n: why for fit in study["fits"] for n, why in fit["undetermined"].items() if n.startswith("detector")}
    lines += ["", *(f"`{name}` is reported as not determined: {why}." for name, why in reasons.items())]
    last = [fit for fit in study["fits"] if not fit["undetermined"]][-1]
    about = f"The detector's place from {last['stills']} stills, shared {last['shared']}; metres and degrees:"
    lines += ["", about, "", _row("value", "found", "±", "truth")]
    lines += ["|---|--:|--:|--:|"]
    for name, (value, sigma, truth) in last["shared_values"].items():
        lines.append(_row(f"`{name}`", f"{value:.6g}", "–" if sigma is None else f"{sigma:.2g}", f"{truth:g}"))
    return "\n".join([*lines, "", _where(study)])


# What they have in common ------------------------------------------------------------------------------------------

SECTIONS = {
    "recover": ("Is a known truth found?", recovered),
    "pulls": ("Are the uncertainties true?", pulled),
    "capture": ("From how far away?", captured),
    "stills": ("Many stills, one detector", together),
}

_HEAD = """# Fitting

What `jaxbragg.refine` finds where the truth is known. How fits are set up is told in `jaxbragg/refine/__init__.py`, in
`jaxbragg refine --help`, and by examples 6 to 10; fits with mosaic spread,
bandwidth and rotation in closed form by docs/spots.md. This page is written from a record:

```sh
python -m benchmarks.fitting all --out {record}     # measures everything again, then writes the page
python -m benchmarks.fitting report --out {record}  # writes the page alone
```
"""


def _row(*cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _of(value: float, digits: int, factor: float) -> str:
    return f"{value * factor:.{digits}f}"


def _where(study: dict[str, Any]) -> str:
    machine, versions = study["machine"], study["versions"]
    changed = ", with changes not committed" if study["dirty"] else ""
    return (
        f"Measured {study['date'][:10]} on {machine['cores']} cores of {machine['cpu']}, jax {versions['jax']}, commit "
        f"{study['commit'][:7]}{changed}.\n"
    )
