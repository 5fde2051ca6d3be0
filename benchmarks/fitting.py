"""What fits can do: is a known truth found, are the uncertainties true, from how far away, and with many stills.

usage: python -m benchmarks.fitting recover | pulls | capture | stills | all | report --out benchmarks/results/FILE.json

All through `jaxbragg.refine`. Numbers are added to the record under the name of the study; `report` writes
`docs/fitting.md` and its figure from the record, `all` measures everything and then reports.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

BACKGROUND = 3.0
N = tuple(f"crystal.cells[{i}]" for i in range(3))
LIMITS = {"misset": 0.005, "a": 0.025, "b": 0.025, "c": 0.025, "alpha": 0.025, "beta": 0.025, "gamma": 0.025, "N": 0.2,
          "scale": 0.01}  # fmt: skip


def still(cell: Any, misset: Any, cells: float = 10.0, shape: str = "gauss", pixels: int = 512, fluence: float = 1e28,
          **panel: Any) -> Any:  # fmt: skip
    """A still on a detector of 102 mm at 100 mm; spots of up to some 1e4 photons."""
    import jaxbragg as jb

    origin = panel.get("origin", (0.1, 0.0512, -0.0512))
    return jb.Experiment(
        beam=jb.Beam(1.0, fluence=fluence),
        crystal=jb.Crystal(cell, misset=misset, cells=cells, shape=shape),
        detector=jb.FlatPanel((pixels, pixels), 0.1024 / pixels, origin, (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=100.0),
    )


def counts(experiment: Any, seed: int, scale: float = 1.0) -> np.ndarray:
    """Poisson counts over a constant background."""
    import jaxbragg as jb

    mean = np.asarray(jb.simulate(experiment), float) * scale + BACKGROUND
    return np.random.default_rng(seed).poisson(mean).astype(float)


def parameters(system: str) -> list[Any]:
    """The cell, the orientation, one number of cells, scale and background."""
    from jaxbragg import refine

    return [
        *refine.cell_parameters(system),
        "crystal.misset",
        refine.Parameter(N, name="N"),
        "image.scale",
        refine.Parameter("image.constant", start=2.0),
    ]


def true_values(cell: Sequence[float], misset: Sequence[float], cells: float = 10.0) -> dict[str, float]:
    """By the names of results."""
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    return {
        **{f"crystal.cell.{name}": float(v) for name, v in zip(names, cell, strict=True)},
        **{f"crystal.misset[{i}]": float(v) for i, v in enumerate(misset)},
        "N": cells,
        "image.scale": 1.0,
        "image.constant": BACKGROUND,
    }


def off(misset: Sequence[float], angle: float, seed: int) -> np.ndarray:
    """The misset with a random direction of that length added [deg]."""
    direction = np.random.default_rng(seed).normal(size=3)
    return np.asarray(misset, float) + angle * direction / np.linalg.norm(direction)


# 1. recover --------------------------------------------------------------------------------------------------------

MISSET = (10.0, 20.0, 30.0)
# Symmetry, the truth, the start.
CELLS = {
    "monoclinic cell, all six free": ("triclinic", (55, 65, 75, 90, 95, 90), (55.1, 65.2, 74.9, 90, 94.9, 90)),
    "triclinic": ("triclinic", (45, 55, 65, 82, 97, 105), (45.1, 55.2, 64.9, 82.1, 96.9, 105.1)),
    "cubic": ("cubic", (60,) * 3 + (90,) * 3, (60.2,) * 3 + (90,) * 3),
    "rhombohedral": ("rhombohedral", (60,) * 3 + (75,) * 3, (60.2,) * 3 + (75.1,) * 3),
}


def recover(chosen: argparse.Namespace) -> dict[str, Any]:
    """Each cell and shape with each solver, every one in a process of its own."""
    found = []
    for name, (_, truth, _) in CELLS.items():
        for shape in ("gauss", "square"):
            with tempfile.TemporaryDirectory() as folder:
                image = f"{folder}/image.npy"
                np.save(image, counts(still(truth, MISSET, shape=shape, pixels=chosen.pixels), seed=0))
                for solver in ("lm", "scipy"):
                    arguments = ["--child", json.dumps([name, shape, solver, image]), "--pixels", str(chosen.pixels)]
                    began = time.perf_counter()
                    one = child("recover", arguments)
                    one["cold_s"] = time.perf_counter() - began - one["second_s"]
                    found.append({"cell": name, "shape": shape, "solver": solver, **one})
                    print(f"{name}, {shape}, {solver}: {'within' if one['within'] else 'NOT within'} the limits, "
                          f"{one['steps']} steps, {one['evaluations']} evaluations, cold {one['cold_s']:.1f} s, "
                          f"warm {one['second_s']:.2f} s, χ²/dof {one['chi2_per_dof']:.4f}", flush=True)  # fmt: skip
    return {"pixels": chosen.pixels, "limits": LIMITS, "start_misset_off_deg": 0.15, "fits": found}


def recover_child(chosen: argparse.Namespace) -> dict[str, Any]:
    """One fit, then the same again."""
    name, shape, solver, path = json.loads(chosen.child)
    from jaxbragg import refine

    system, truth, start = CELLS[name]
    image = np.load(path)

    def once() -> tuple[Any, dict[str, int], float]:
        began = time.perf_counter()
        experiment = still(start, off(MISSET, 0.15, 1), 9.5, shape, chosen.pixels)
        problem = refine.Problem(experiment, parameters(system), image)
        evaluations = counted(problem)
        return refine.fit(problem, solver), evaluations, time.perf_counter() - began

    once()
    result, evaluations, seconds = once()
    true = true_values(truth, MISSET)
    errors = {n: result.values[n] - true[n] for n in result.names}
    within = all(
        abs(error) <= limit for n, error in errors.items() for word, limit in LIMITS.items()
        if n.rsplit(".", 1)[-1].split("[")[0] == word
    )  # fmt: skip
    return {
        "within": within,
        "converged": result.converged,
        "message": result.message,
        "second_s": seconds,
        "steps": len(result.history) - 1,
        "evaluations": evaluations,
        "chi2_per_dof": result.chi2_per_dof,
        "errors": errors,
        "uncertainties": result.uncertainties,
    }


def counted(problem: Any) -> dict[str, int]:
    """Counts of what a solver asks the problem for, as it goes on."""
    numbers: dict[str, int] = {}

    def counting(name: str, function: Callable) -> Callable:
        def call(*arguments: Any, **named: Any) -> Any:
            numbers[name] = numbers.get(name, 0) + 1
            return function(*arguments, **named)

        return call

    for name in ("normal_equations", "objective", "objective_and_gradient"):
        setattr(problem, name, counting(name, getattr(problem, name)))
    return numbers


def child(study: str, arguments: list[str]) -> dict[str, Any]:
    """The answer of another process."""
    command = [sys.executable, "-m", "benchmarks.fitting", study, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


# 2. pulls ----------------------------------------------------------------------------------------------------------


def pulls(chosen: argparse.Namespace) -> dict[str, Any]:
    """Noise realisations 0, 1, 2, …: estimates over uncertainties, and their scatter over the Cramér–Rao bound."""
    from jaxbragg import refine

    system, cell, begin = CELLS["monoclinic cell, all six free"]
    studies = {}
    for shape in ("gauss", "square"):
        truth = still(cell, MISSET, shape=shape, pixels=chosen.pixels)
        start = still(begin, off(MISSET, 0.15, 1), 9.5, shape, chosen.pixels)
        true = true_values(cell, MISSET)
        names: list[str] = []
        off_by, sigma, converged = [], [], []
        for seed in range(chosen.realisations):
            result = refine.fit(refine.Problem(start, parameters(system), counts(truth, seed)))
            names = list(result.names)
            converged.append(result.converged)
            off_by.append([result.values[n] - true[n] for n in names])
            sigma.append([result.uncertainties[n] for n in names])
        there = [p if isinstance(p, str) or "constant" not in p.paths[0]
                 else refine.Parameter("image.constant", start=BACKGROUND) for p in parameters(system)]  # fmt: skip
        at_truth = refine.Problem(truth, there, counts(truth, 0))
        information = at_truth.normal_equations(at_truth.start, in_values=True).dense()
        bound = np.sqrt(np.diag(np.linalg.inv(information))) * at_truth.transform.scale
        table = {}
        for number in sorted({min(50, chosen.realisations), chosen.realisations}):
            some = np.array(off_by[:number])
            z = some / np.array(sigma[:number])
            spread = some.std(axis=0, ddof=1) / bound
            table[str(number)] = {
                n: {"mean": m, "sd": s, "scatter_over_bound": r}
                for n, m, s, r in zip(names, z.mean(axis=0), z.std(axis=0, ddof=1), spread, strict=True)
            }
            print(f"{shape}, {number} realisations, {sum(converged[:number])} converged; mean, sd, scatter/bound:")
            for n, row in table[str(number)].items():
                missed = [word for word, wrong in (("mean", abs(row["mean"]) > 0.3), ("sd", abs(row["sd"] - 1) > 0.2),
                          ("scatter", abs(row["scatter_over_bound"] - 1) > 0.2)) if wrong]  # fmt: skip
                print(f"  {n:22s} {row['mean']:6.2f} {row['sd']:6.2f} {row['scatter_over_bound']:6.2f}", *missed)
        bounds = dict(zip(names, bound.tolist(), strict=True))
        studies[shape] = {"converged": int(sum(converged)), "bound": bounds, "realisations": table}
    return {"pixels": chosen.pixels, "seeds": [0, chosen.realisations - 1], "shapes": studies}


# 3. capture --------------------------------------------------------------------------------------------------------

ERRORS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5)
# Spots of 10 cells are so wide that a start 1.5° off still meets them; those of 30 are not. As bright at their peaks.
CRYSTALS = {
    "gauss, N 10": ("gauss", 10.0, 1e28),
    "square, N 10": ("square", 10.0, 1e28),
    "gauss, N 30": ("gauss", 30.0, 1e28 / 3**6),
}
WAYS = {"as it is": (), "blurs 4, 2": (4.0, 2.0), "blurs 8, 4, 2": (8.0, 4.0, 2.0)}


def capture(chosen: argparse.Namespace) -> dict[str, Any]:
    """Share of fits that find the orientation, by how far off it is at the start."""
    from jaxbragg import refine

    system, cell, _ = CELLS["monoclinic cell, all six free"]
    solver = refine.LevenbergMarquardt(iterations=50)
    rates: dict[str, dict[str, list[float]]] = {}
    for crystal, (shape, cells, fluence) in CRYSTALS.items():
        image = counts(still(cell, MISSET, cells, shape, chosen.pixels, fluence), 0)
        rates[crystal] = {way: [] for way in WAYS}
        for number, error in enumerate(ERRORS):
            found = dict.fromkeys(WAYS, 0)
            for direction in range(chosen.directions):
                misset = off(MISSET, error, 1000 * number + direction)
                start = still(cell, misset, 0.95 * cells, shape, chosen.pixels, fluence)
                problem = refine.Problem(start, parameters(system), image)
                for way, blurs in WAYS.items():
                    result = refine.fit_coarse_to_fine(problem, blurs, solver)
                    wrong = [abs(result.values[f"crystal.misset[{i}]"] - MISSET[i]) for i in range(3)]
                    found[way] += max(wrong) < LIMITS["misset"]
            for way in WAYS:
                rates[crystal][way].append(found[way] / chosen.directions)
            print(crystal, f"{error:5.2f}°", *(f"{way}: {found[way]}/{chosen.directions}" for way in WAYS), flush=True)
    return {"pixels": chosen.pixels, "directions": chosen.directions, "errors_deg": ERRORS, "rates": rates}


# 4. stills ---------------------------------------------------------------------------------------------------------

SHARED = ("detector.shift[0]", "detector.shift[1]", "detector.shift[2]", "detector.rotation[0]", "detector.rotation[1]")
TWIST = "detector.rotation[2]"
# What is shared beside the five: how the sixth, which the images do not determine, is treated.
SIXTH = {"five": [], "six": [{"path": TWIST}], "six, one with a prior": [{"path": TWIST, "prior": (0.0, 0.05)}]}


def stills(chosen: argparse.Namespace) -> dict[str, Any]:
    """5, 10 and 20 stills that share the detector's place, each number in a process of its own."""
    found = []
    for number, shared in ((5, "five"), (10, "five"), (20, "five"), (20, "six"), (20, "six, one with a prior")):
        one = child("stills", ["--child", json.dumps([number, shared]), "--pixels", str(chosen.pixels)])
        found.append({"stills": number, "shared": shared, **one})
        print(f"{number} stills, {one['values']} values: converged {one['converged']}, {one['steps']} steps, "
              f"{one['first_s']:.1f} s, again {one['second_s']:.1f} s, {one['memory_mb']:.0f} MB (before the fit "
              f"{one['before_mb']:.0f} MB), largest pull {one['largest_pull']:.2f} (rms {one['rms_pull']:.2f}); "
              f"not determined: {one['undetermined'] or 'none'}", flush=True)  # fmt: skip
    return {"pixels": chosen.pixels, "fits": found}


def stills_child(chosen: argparse.Namespace) -> dict[str, Any]:
    """One fit, then the same again."""
    from jaxbragg import refine

    number, shared = json.loads(chosen.child)
    free = [*map(refine.Parameter, SHARED), *(refine.Parameter(**sixth) for sixth in SIXTH[shared])]
    cell = CELLS["monoclinic cell, all six free"][1]
    random = np.random.default_rng(5)
    missets = random.uniform(0, 90, (20, 3))[:number]
    scales = random.uniform(0.7, 1.3, 20)[:number]
    begin = [still(cell, off(m, 0.05, 50 + i), 9.5, pixels=chosen.pixels) for i, m in enumerate(missets)]
    truth = {name: value for name, value in zip(SHARED, (2e-4, -1.5e-4, 3e-4, 0.15, -0.1), strict=True)}
    # The truth by the same parameters: they are counted from the detector's place at the start.
    blank = np.zeros((chosen.pixels, chosen.pixels))
    true_parameters = [refine.Parameter(name, start=value) for name, value in truth.items()]
    images = []
    for i, misset in enumerate(missets):
        true = refine.Problem(still(cell, misset, pixels=chosen.pixels), true_parameters, blank)
        images.append(counts(true.experiment(true.start), i, scales[i]))
    own = [
        refine.Parameter("crystal.misset", per_image=True),
        refine.Parameter(N, name="N", per_image=True),
        refine.Parameter("image.scale", per_image=True),
        refine.Parameter("image.constant", per_image=True, start=2.0),
    ]

    def once() -> tuple[Any, float]:
        began = time.perf_counter()
        result = refine.fit(refine.Problem(begin, [*free, *own], images))
        return result, time.perf_counter() - began

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _, first = once()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result, second = once()
    wanted = truth | {TWIST: 0.0}
    for i in range(number):
        wanted |= {f"crystal.misset[{k}] @{i}": missets[i][k] for k in range(3)}
        wanted |= {f"N @{i}": 10.0, f"image.scale @{i}": scales[i], f"image.constant @{i}": BACKGROUND}
    sigma = result.uncertainties
    pull = [(result.values[n] - wanted[n]) / s for n, s in sigma.items() if s is not None]
    place = {p.paths[0]: [result.values[p.paths[0]], sigma[p.paths[0]], wanted[p.paths[0]]] for p in free}
    return {
        "values": len(result.names),
        "converged": result.converged,
        "steps": len(result.history) - 1,
        "first_s": first,
        "second_s": second,
        "memory_mb": memory,
        "before_mb": before,
        "largest_pull": float(np.abs(pull).max()),
        "rms_pull": float(np.sqrt(np.mean(np.square(pull)))),
        "undetermined": result.undetermined,
        "shared_values": place,
        "chi2_per_dof": result.chi2_per_dof,
    }


# The command line --------------------------------------------------------------------------------------------------

STUDIES = {"recover": recover, "pulls": pulls, "capture": capture, "stills": stills}
CHILDREN = {"recover": recover_child, "stills": stills_child}


def keep(path: str, study: str, numbers: dict[str, Any]) -> None:
    """Put the numbers into the record under the name of the study."""
    from benchmarks.record import new_report

    here = asdict(new_report(1, False, None))
    about = {key: here[key] for key in ("date", "commit", "dirty", "versions", "device", "machine")}
    file = Path(path)
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept[study] = {**about, **numbers}
    text = json.dumps(kept, indent=1, ensure_ascii=False, default=lambda value: value.item())
    file.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("study", choices=[*STUDIES, "all", "report"])
    parser.add_argument("--pixels", type=int, help="of a side (256 for capture, otherwise 512)")
    parser.add_argument("--realisations", type=int, default=200, help="of the noise, for pulls")
    parser.add_argument("--directions", type=int, default=12, help="of each start error, for capture")
    parser.add_argument("--out", metavar="FILE", help="add the numbers to this record, or report from it")
    parser.add_argument("--page", default="docs/fitting.md", help="that report writes (docs/fitting.md)")
    parser.add_argument("--png", default="docs/capture.png", help="figure of the page; needs matplotlib")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.study in ("all", "report") and not chosen.out:
        parser.error("all and report need the record: --out FILE")
    pixels = chosen.pixels
    if chosen.child:
        print(json.dumps(CHILDREN[chosen.study](chosen), default=lambda value: value.item()))
        return 0
    for study in STUDIES if chosen.study == "all" else [chosen.study]:
        if study == "report":
            continue
        print(f"{study}:", flush=True)
        chosen.pixels = pixels or (256 if study == "capture" else 512)
        numbers = STUDIES[study](chosen)
        if chosen.out:
            keep(chosen.out, study, numbers)
    if chosen.study in ("all", "report"):
        from benchmarks import fitting_report

        fitting_report.write(chosen.out, chosen.page, chosen.png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
