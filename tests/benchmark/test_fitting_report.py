"""The page of fits: what misses its limit stands out, what was not measured is said, and the figure is drawn."""

import json

from benchmarks import fitting_report

ABOUT = {
    "date": "2026-11-24T01:54:26+00:00",
    "commit": "c987a3518fb55de5",
    "dirty": True,
    "versions": {"jax": "0.10.2"},
    "machine": {"cores": 2, "cpu": "AMD EPYC"},
    "pixels": 64,
}
FIT = {
    "cell": "cubic",
    "shape": "gauss",
    "solver": "lm",
    "within": True,
    "converged": True,
    "message": "",
    "steps": 6,
    "evaluations": {"normal_equations": 8, "objective": 10},
    "cold_s": 10.24,
    "second_s": 0.294,
    "chi2_per_dof": 1.0012,
    "errors": {"crystal.cell.a": -0.0021, "crystal.misset[0]": 1e-4, "crystal.misset[1]": -3e-4, "image.scale": 0.004},
    "uncertainties": {
        "crystal.cell.a": 2e-3,
        "crystal.misset[0]": 2e-4,
        "crystal.misset[1]": 1e-4,
        "image.scale": None,
    },
}
LIMITS = {"misset": 0.005, "a": 0.025, "alpha": 0.025, "N": 0.2, "scale": 0.01}


def page(tmp_path, **studies):
    record = tmp_path / "record.json"
    record.write_text(json.dumps({name: ABOUT | study for name, study in studies.items()}))
    fitting_report.write(str(record), str(tmp_path / "fitting.md"), str(tmp_path / "capture.png"))
    return (tmp_path / "fitting.md").read_text(encoding="utf-8")


def test_errors_uncertainties_and_times_of_a_fit(tmp_path):
    lost = FIT | {"within": False, "message": "Not converged after 100 steps."}
    text = page(tmp_path, recover={"fits": [FIT, lost], "limits": LIMITS, "start_misset_off_deg": 0.15})
    numbers = "| cubic | gauss | lm | 0.0003 ± 0.0002 | 0.0021 ± 0.0020 | – | – | 0.40 ± not determined | 1.001 |"
    assert f"{numbers} yes |" in text
    assert f"{numbers} **no**: Not converged after 100 steps. |" in text
    assert "| cubic | gauss | lm | 6 | 10 | 0 | 8 | 10.2 | 0.29 |" in text
    assert "1 of 2 fits converged within all limits" in text
    assert "2 cores of AMD EPYC, jax 0.10.2, commit c987a35, with changes not committed" in text
    assert text.count("Not measured yet: `python -m benchmarks.fitting ") == 3


def test_what_misses_its_limit_is_bold(tmp_path):
    rows = {
        "N": {"mean": 0.31, "sd": 1.19, "scatter_over_bound": 0.81},
        "image.scale": {"mean": -0.29, "sd": 0.79, "scatter_over_bound": 1.21},
    }
    shape = {"converged": 50, "bound": {"N": 0.0055, "image.scale": 0.0021}, "realisations": {"50": rows}}
    text = page(tmp_path, pulls={"seeds": [0, 49], "shapes": {"gauss": shape}})
    assert "| `N` | 0.0055 | **0.31** | 1.19 | 0.81 |" in text
    assert "| `image.scale` | 0.0021 | -0.29 | **0.79** | **1.21** |" in text
    assert "Missed: 3 of 6 with 50 realisations." in text


def test_the_capture_range_is_drawn(tmp_path):
    ways = {"as it is": [1.0, 0.25], "blurs 4, 2": [1.0, 1.0]}
    study = {"directions": 4, "errors_deg": [0.05, 1.5], "rates": {"gauss": ways}}
    text = page(tmp_path, capture=study)
    assert "| as it is | 100 | 25 |" in text
    assert "![Success rate against the start's error](capture.png)" in text
    assert (tmp_path / "capture.png").read_bytes().startswith(b"\x89PNG")


def test_what_many_stills_do_not_determine_is_told(tmp_path):
    fit = {"stills": 20, "shared": "five", "values": 125, "converged": True, "steps": 13, "first_s": 14.1,
           "second_s": 11.1, "memory_mb": 648.3, "before_mb": 432.5, "largest_pull": 2.878, "rms_pull": 1.001,
           "undetermined": {}, "chi2_per_dof": 1.00183,
           "shared_values": {"detector.shift[0]": [2.00001e-4, 2.4e-8, 2e-4]}}  # fmt: skip
    lost = fit | {"shared": "six", "undetermined": {"detector.rotation[2]": "only together with all", "x": "y"}}
    text = page(tmp_path, stills={"fits": [fit, lost]})
    assert "| 20 | five | 125 | yes | 13 | 14.1 | 11.1 | 216 | 1.00 | 2.88 | 1.0018 | – |" in text
    assert "| 20 | six | 125 | yes | 13 | 14.1 | 11.1 | 216 | 1.00 | 2.88 | 1.0018 | 2 values |" in text
    assert "`detector.rotation[2]` is reported as not determined: only together with all." in text
    assert "| `detector.shift[0]` | 0.000200001 | 2.4e-08 | 0.0002 |" in text
