"""`jaxbragg refine`: what it finds, what it leaves in its folder, and what it says of what cannot be."""

import json
import shlex
import signal
import subprocess
import sys

import equinox as eqx
import h5py
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.cli.refine.argv import replaced
from jaxbragg.cli.refine.as_flags import left_out
from jaxbragg.cli.refine.config import read_config
from jaxbragg.cli.refine.images import load_image, read_pixels
from jaxbragg.cli.refine.schema import ARRAYS, TABLES
from jaxbragg.io import FileError, read_float_image, write_float_image, write_smv
from jaxbragg.refine.parameter_files import read_parameters

COMMON = (
    "-cell 55 65 75 90 95 90 -N 6 -gauss_xtal -lambda 1 -fluence 3e28 -distance 100 -detpixels 48 -pixel 0.5 "
    "-default_F 100 -oversample 7"
)
TRUTH, BEGIN = (10.0, 20.0, 30.0), (10.05, 19.95, 30.03)
OFFSET, BACKGROUND = 40, 3.0
CONFIG = f"""
[experiment]
flags = "{COMMON}"
[[images]]
file = "observed.img"
offset = {OFFSET}
flags = ["-misset", "{BEGIN[0]}", "{BEGIN[1]}", "{BEGIN[2]}"]
[[parameters]]
path = "crystal.misset"
[[parameters]]
path = "image.constant"
start = 2
"""


def flags_of(misset):
    return [*COMMON.split(), "-misset", *map(str, misset)]


@pytest.fixture(scope="module")
def counts():
    """Poisson counts of the truth over a background."""
    image = np.asarray(jb.simulate(*jb.read_experiment(flags_of(TRUTH))), float)
    return np.random.default_rng(0).poisson(image + BACKGROUND)


@pytest.fixture
def folder(counts, tmp_path, monkeypatch):
    """A folder with an image and a configuration, and another as the current one."""
    write_smv(tmp_path / "observed.img", (counts + OFFSET).astype(np.uint16), {})
    (tmp_path / "refine.toml").write_text(CONFIG)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def refine(folder, *argv):
    return main(["refine", str(folder / "refine.toml"), *argv])


def changed(folder, *pairs):
    text = CONFIG
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (folder / "refine.toml").write_text(text)


def test_the_truth_is_found_and_written(folder, capsys):
    assert refine(folder) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == (
        "1 image, 2304 pixels; left out: 0 masked, 0 without a number, 0 full or flagged; 4 free values"
    )
    assert lines[1].split() == ["step", "−2", "ln(likelihood)", "length", "of", "the", "step"]
    assert lines[-1] == f"written: {folder / 'refined'}"

    record = json.loads((folder / "refined" / "result.json").read_text())
    true_values = {**{f"crystal.misset[{i}]": v for i, v in enumerate(TRUTH)}, "image.constant": BACKGROUND}
    for name, value in true_values.items():
        assert abs(record["values"][name] - value) < 4 * record["uncertainties"][name]
    assert record["converged"] is True
    assert record["chi2_per_dof"] == pytest.approx(1.0, abs=0.2)
    assert record["units"]["crystal.misset[0]"] == "°"
    assert record["correlations"][0][0] == pytest.approx(1.0)
    assert record["warnings"] == []
    assert record["versions"]["jax"]
    assert record["command"].startswith("jaxbragg refine ")
    assert record["configuration"]["images"][0]["offset"] == OFFSET
    assert {"config", "image_0"} == record["files"].keys()
    image = record["images"][0]
    assert (image["pixels"], image["pixels_masked"], image["pixels_without_a_number"]) == (2304, 0, 0)
    assert image["not_in_flags"] == ["image.constant"]
    names = ["A_0.mat", "convergence.png", "correlations.png", "experiment_0.npz", "flags_0.txt", "image_0.png"]
    names += ["model_0.bin", "residual_0.bin", "result.json", "summary.txt"]
    assert sorted(path.name for path in (folder / "refined").iterdir()) == names

    model = read_float_image(folder / "refined" / "model_0.bin", (48, 48))
    flags = shlex.split((folder / "refined" / "flags_0.txt").read_text(), comments=True)
    experiment, options = jb.read_experiment(flags)
    again = np.asarray(jb.simulate(experiment, options)) + record["values"]["image.constant"]
    np.testing.assert_allclose(again, model, rtol=1e-4, atol=1e-5 * model.max())
    residual = read_float_image(folder / "refined" / "residual_0.bin", (48, 48))
    assert float(np.mean(residual.astype(float) ** 2)) == pytest.approx(image["chi2_per_pixel"], rel=1e-5)

    # Every number, from the other file; and a refinement that goes on from there is at its end.
    start, _ = jb.read_experiment(flags_of(BEGIN))
    refined = read_parameters(folder / "refined" / "experiment_0.npz", start)
    found = [record["values"][f"crystal.misset[{i}]"] for i in range(3)]
    np.testing.assert_allclose(refined.crystal.misset, found, rtol=1e-15)
    end = f'parameters = "refined/experiment_0.npz"\noffset = {OFFSET}'
    changed(folder, (f"offset = {OFFSET}", end), ("start = 2", f"start = {record['values']['image.constant']}"))
    assert refine(folder, "--out", "second", "--quiet") == 0
    second = json.loads((folder / "elsewhere" / "second" / "result.json").read_text())
    assert second["history"][0]["objective"] == pytest.approx(record["objective"], rel=1e-6)
    assert capsys.readouterr().out == ""


def test_ctrl_c_leaves_the_best_so_far(folder, capsys, monkeypatch):
    import builtins

    def printing(*argv, **keys):
        before(*argv, **keys)
        if argv and str(argv[0]).startswith("    2  "):
            signal.raise_signal(signal.SIGINT)

    before, handler = builtins.print, signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(builtins, "print", printing)
    assert refine(folder, "--out", "cut") == 130
    monkeypatch.undo()
    assert "interrupted: the best so far is being written" in capsys.readouterr().err
    record = json.loads((folder / "elsewhere" / "cut" / "result.json").read_text())
    assert record["message"] == "Interrupted after 3 steps."
    assert record["converged"] is False
    assert record["objective"] <= record["history"][0]["objective"]
    assert (folder / "elsewhere" / "cut" / "image_0.png").exists()
    assert signal.getsignal(signal.SIGINT) is handler  # which ignores it where the tests run in the background


def test_ctrl_c_in_a_process_of_its_own(folder):
    # The real thing: a signal from outside. Fifty fits are under way when the first prints its first step.
    changed(folder, ("start = 2\n", "start = 2\n[fit]\nmulti_start = 50\nfinalists = 50\n"))
    start = "import sys; from jaxbragg.cli import main; sys.exit(main())"
    command = [sys.executable, "-u", "-c", start, "refine", str(folder / "refine.toml"), "--out", "cut"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("    1  "):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "interrupted: the best so far is being written" in err
    assert out.splitlines()[-1] == "written: cut"
    assert out.count("start ") < 49
    record = json.loads((folder / "elsewhere" / "cut" / "result.json").read_text())
    assert record["objective"] <= record["history"][0]["objective"]
    assert (folder / "elsewhere" / "cut" / "image_0.png").exists()


def test_ctrl_c_while_the_result_is_written_waits_for_it(folder, capsys, monkeypatch):
    from jaxbragg.cli.refine import figures

    def pressing(*arguments):
        signal.raise_signal(signal.SIGINT)
        draw(*arguments)

    draw = figures.write_convergence
    monkeypatch.setattr(figures, "write_convergence", pressing)
    assert refine(folder, "--quiet") == 130
    assert "is being written" in capsys.readouterr().err
    assert json.loads((folder / "refined" / "result.json").read_text())["converged"] is True


def test_a_fit_that_has_not_converged_says_so(folder, capsys):
    changed(folder, ("start = 2\n", "start = 2\n[fit]\nsteps = 1\n[output]\nfigures = false\nimages = false\n"))
    assert refine(folder, "-noprogress") == 3
    out, err = capsys.readouterr()
    assert "warning: not converged: Not converged after 1 steps." in err
    assert "step " not in out
    names = ["A_0.mat", "experiment_0.npz", "flags_0.txt", "result.json", "summary.txt"]
    assert sorted(path.name for path in (folder / "refined").iterdir()) == names


def test_what_is_not_to_be_believed_is_said(folder, capsys, monkeypatch):
    # Without its offset the image has 40 photons more than the background may have.
    text = CONFIG.replace(f"offset = {OFFSET}\n", "")
    text = text.replace('"crystal.misset"', '"image.scale"').replace("start = 2", "bounds = [0, 10]\nstart = 9.9")
    (folder / "refine.toml").write_text(f'{text}\n[[parameters]]\npath = "beam.fluence"\n')
    monkeypatch.setattr("jaxbragg.cli.refine.outputs.find_spec", lambda name: None)
    assert refine(folder) in (0, 3)
    out, err = capsys.readouterr()
    assert "χ² per degree of freedom is " in err
    assert "the model does not describe the images" in err
    assert "warning: image.scale is not determined: only together with beam.fluence" in err
    assert "warning: image.constant ended at its upper bound" in err
    assert "without figures: they need matplotlib, pip install 'jaxbragg[plot]'" in out
    record = json.loads((folder / "refined" / "result.json").read_text())
    assert record["at_bounds"] == {"image.constant": "upper"}
    assert "if so much was added to each, say offset = 4" in err
    assert len(record["warnings"]) == 5
    assert not list((folder / "refined").glob("*.png"))


def test_a_bound_and_a_prior_that_pull_are_said(folder, capsys):
    assert refine(folder, "--quiet") == 0
    value = json.loads((folder / "refined" / "result.json").read_text())["values"]["image.constant"]
    pulled = ("start = 2\n", f"start = 2\nbounds = [0, {value + 0.01}]\nprior = [100, 5]\n")
    changed(folder, pulled)
    assert refine(folder, "--quiet") == 0
    err = capsys.readouterr().err
    assert f"image.constant ended within its uncertainty of its upper bound, {value + 0.01:g}" in err
    assert "of its prior's standard uncertainties away from it" in err


def test_masks_ranges_and_nan_are_counted(folder, counts, capsys):
    image = counts.astype(float)
    image[3, 4:9] = np.nan
    image[0, :2] = 70000.0
    np.save(folder / "observed.npy", image)
    mask = np.ones((48, 48), bool)
    mask[10] = False
    np.save(folder / "mask.npy", mask)
    keys = 'mask = "mask.npy"\ntrusted_range = [0, 65000]'
    changed(folder, ("observed.img", "observed.npy"), (f"offset = {OFFSET}", keys))
    assert refine(folder, "--noprogress") == 0
    assert (
        f"1 image, {2304 - 48 - 5 - 2} pixels; left out: 50 masked, 5 without a number, 0 full"
        in capsys.readouterr().out
    )
    image = json.loads((folder / "refined" / "result.json").read_text())["images"][0]
    assert (image["pixels_masked"], image["pixels_untrusted"], image["pixels_without_a_number"]) == (50, 2, 5)


def test_the_header_says_the_offset(folder, counts, capsys):
    changed(folder, (f"offset = {OFFSET}\n", ""))
    write_smv(folder / "observed.img", (counts + OFFSET).astype(np.uint16), {"ADC_OFFSET": "40"})
    assert refine(folder) == 0
    out, err = capsys.readouterr()
    assert "observed.img: offset = 40 is taken off, as its header says (ADC_OFFSET)" in out
    assert err == ""
    found = json.loads((folder / "refined" / "result.json").read_text())["values"]
    assert found["image.constant"] == pytest.approx(BACKGROUND, abs=0.3)
    write_smv(folder / "observed.img", (counts + OFFSET).astype(np.uint16), {"ADC_OFFSET": "forty"})
    assert refine(folder) == 1
    assert "observed.img: expected a number for ADC_OFFSET in the header, but found 'forty'" in capsys.readouterr().err


def test_full_pixels_are_left_out_as_they_are_stored(folder, counts, capsys):
    image = counts + OFFSET
    image[3, 4:9] = 65535
    write_smv(folder / "observed.img", image.astype(np.uint16), {})
    assert refine(folder, "--noprogress") == 0
    out, err = capsys.readouterr()
    assert f"1 image, {2304 - 5} pixels; left out: 0 masked, 0 without a number, 5 full or flagged" in out
    assert err == ""
    record = json.loads((folder / "refined" / "result.json").read_text())
    assert (record["pixels_flagged"], record["images"][0]["pixels_flagged"]) == (5, 5)
    assert record["images"][0]["pixels_masked"] == 0


def test_xargs_simulates_what_was_found(folder, capsys):
    assert refine(folder, "--noprogress") == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("to simulate"))
    command = line.removeprefix("to simulate what was found: ").replace("jaxbragg", f"{sys.executable} -m jaxbragg")
    run = subprocess.run(f"{command} -nonoise -nopgm -floatfile again.bin", shell=True, cwd=folder, capture_output=True)
    assert run.returncode == 0, run.stderr
    again, model = (read_float_image(folder / name, (48, 48)) for name in ("again.bin", "refined/model_0.bin"))
    constant = json.loads((folder / "refined" / "result.json").read_text())["values"]["image.constant"]
    np.testing.assert_allclose(again + constant, model, rtol=1e-4, atol=1e-3 * model.max())


@pytest.mark.parametrize("form", ["smv", "raw", "npy", "h5", "nxs", "cbf"])
def test_images_come_in_several_formats(tmp_path, form):
    fabio = pytest.importorskip("fabio.cbfimage")
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    path = tmp_path / f"image.{form}"
    if form == "smv":
        write_smv(path, image, {})
    elif form == "raw":
        write_float_image(path, image)
    elif form == "npy":
        np.save(path, image)
    elif form == "cbf":
        fabio.CbfImage(data=image.astype(np.int32)).write(str(path))
    else:
        with h5py.File(path, "w") as file:
            file["entry/data"] = image[None] if form == "h5" else np.stack([image - image, image])
    found = read_pixels(str(path), (3, 4), frame=1 if form == "nxs" else None)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize(
    ("kept", "argv", "message"),
    [
        ({}, {}, "no dataset of 3 × 4 pixels in it: say which with dataset"),
        ({"a": (3, 4), "b": (3, 4)}, {}, r"2 datasets \(a, b\) of 3 × 4 pixels in it"),
        ({"a": (3, 4)}, {"dataset": "b"}, "there is no dataset 'b' in it"),
        ({"a": (5, 3, 4)}, {}, "'a' holds 5 images: say which with frame = 0"),
        ({"a": (5, 3, 4)}, {"frame": 5}, "'a' holds 5 images, but frame 5 is asked for"),
        ({"a": (3, 4)}, {"frame": 1}, "is one image, but frame 1 is asked for"),
        ({"a": (4, 3)}, {"dataset": "a"}, r"expected 3 × 4 pixels \(slow × fast\) as the flags say, but found 4 × 3"),
    ],
)
def test_which_image_of_an_hdf5_file(tmp_path, kept, argv, message):
    with h5py.File(tmp_path / "image.h5", "w") as file:
        for name, shape in kept.items():
            file[name] = np.zeros(shape)
    with pytest.raises(FileError, match=message):
        read_pixels(str(tmp_path / "image.h5"), (3, 4), **argv)


def test_stored_units_become_photons(folder, counts):
    keys = 'gain = 2\nbackground = "background.bin"\nshoeboxes = [[1, 2, 3, 4]]'
    write_float_image(folder / "background.bin", np.full((48, 48), 1.5))
    changed(folder, (f"offset = {OFFSET}", f"offset = {OFFSET}\n{keys}"))
    loaded = load_image(read_config(str(folder / "refine.toml")), 0, (48, 48))
    np.testing.assert_array_equal(loaded.photons, counts / 2)
    assert loaded.shoeboxes == [(1, 2, 3, 4)]
    assert loaded.background[7, 7] == 1.5


def test_an_image_s_flags_stand_in_place_of_those_of_all():
    argv = ["-cell", "1", "2", "3", "-N", "5", "--precision=float64", "-Na", "3"]
    assert replaced(argv, ["-N", "7", "--precision", "mixed"]) == [
        *("-cell", "1", "2", "3", "-Na", "3", "-N", "7", "--precision", "mixed")
    ]


def test_a_mask_of_nan_is_none(folder):
    np.save(folder / "mask.npy", np.full((48, 48), np.nan))
    changed(folder, (f"offset = {OFFSET}", f'offset = {OFFSET}\nmask = "mask.npy"'))
    with pytest.raises(FileError, match=r"mask\.npy: expected 0 for the pixels to skip .* but found NaN"):
        load_image(read_config(str(folder / "refine.toml")), 0, (48, 48))


def test_what_flags_leave_out_is_found_by_reading_them(tmp_path):
    experiment, _ = jb.read_experiment(flags_of(TRUTH))
    wrong = [*flags_of(TRUTH)[:-1], "31"]
    assert left_out(flags_of(TRUTH), "A.mat", np.eye(3), experiment) == []
    assert left_out(wrong, "A.mat", np.eye(3), experiment) == ["crystal.misset"]
    thinner = [word if word != "6" else "5" for word in flags_of((11, 20, 30))]
    assert "crystal.cells" in left_out(thinner, "A.mat", np.eye(3), experiment)
    sheared = eqx.tree_at(lambda e: e.crystal.shear, experiment, np.array([0.1, 0, 0]))
    assert left_out(flags_of(TRUTH), "A.mat", np.eye(3), sheared) == ["crystal.shear"]


IMAGE, FREE = "[[images]]", "[[parameters]]"
BAD = [
    ('path = "crystal.misset"', 'path = "crystal.mosset"', 2, "line 9: [[parameters]] 1 path: must name a real leaf"),
    ('path = "crystal.misset"', 'path = "crystal.mosset"', 2, "the nearest path is 'crystal.misset'"),
    ("start = 2", "strat = 2", 2, "line 12: [[parameters]] 2 strat: unknown key: did you mean 'start'?"),
    ("[experiment]", "[experimint]", 2, "unknown table or key 'experimint': did you mean 'experiment'?"),
    ("start = 2", "start = '2'", 2, "start: must be a number or a list of them, but is '2'"),
    ("start = 2", "start = 2\nbounds = [3, 4]", 2, "start: must lie inside the bounds 3 … 4, but that of 'image.con"),
    ("start = 2", "start = 2\nprior = [3, -1]", 2, "prior: must be positive, but is -1"),
    ("start = 2", "start = 2\nsystem = 'cubic'", 2, "by path or by system, by one"),
    ('path = "image.constant"', 'path = "crystal.misset"', 2, "must free each value once"),
    ("start = 2", "start = 2 2", 2, "refine.toml: line 12, column 11: no TOML: "),
    ("[[parameters]]", "[parameters]", 2, "no TOML: cannot overwrite a value"),
    (FREE, "[[parameter]]", 2, "unknown table or key 'parameter': did you mean 'parameters'?"),
    (IMAGE, "[images]", 2, "images is written [[images]], one table for each"),
    ('file = "observed.img"', "", 2, "[[images]] 1: file is missing"),
    ("observed.img", "nothing.img", 1, "nothing.img: no such file"),
    ("-detpixels 48", "-detpixels 47", 1, "expected 47 × 47 pixels (slow × fast) as the flags say, but found 48 × 48"),
    ("-default_F", "-default_G", 2, "[[images]] 1 flags: unknown flag -default_G: did you mean -default_F?"),
    ("-oversample 7", "-floatfile x", 2, "flags: -floatfile has no part in a refinement"),
    (f"offset = {OFFSET}", "offset = 1e4", 2, "must not be negative where pixels are Poisson counts, but 2304 pixels"),
    (f"offset = {OFFSET}", 'mask = "zero.npy"', 1, "zero.npy: the mask leaves no pixel to be used: all of them are 0"),
    (f"offset = {OFFSET}", "trusted_range = [1e6, inf]", 1, "no pixel is left by the mask and trusted_range (2304"),
    ("observed.img", "nan.npy", 1, "nan.npy: expected numbers, but all pixels that are to be used are NaN"),
    ("observed.img", "argv.npy", 1, "argv.npy: expected real numbers, but found the type <U1"),
    (f"offset = {OFFSET}", "frame = 1", 2, "[[images]] 1 frame: goes with an HDF5 file"),
    (f"offset = {OFFSET}", "shoeboxes = [[0, 48, 0, 9]]", 2, "shoeboxes must hold first and last pixels"),
    (f"offset = {OFFSET}", 'parameters = "zero.npy"', 1, "zero.npy: expected the arrays of an experiment (.npz)"),
    ("start = 2", "start = 2\n[fit]\nblurs = [2]\ncoarse_to_fine = false", 2, "blurs: goes with coarse_to_fine = true"),
    ("start = 2", "start = 2\n[fit]\nseed = 2", 2, "[fit] seed: goes with multi_start = 2 or more"),
    ("start = 2", "start = 2\n[likelihood]\nkind = 'gaussian'", 2, "[likelihood]: read_noise is missing"),
    ("start = 2", "start = 2\n[likelihood]\nread_noise = 2", 2, "read_noise: kind = 'poisson' does not take it"),
    ("start = 2", "start = 2\n[output]\nfolder = 'zero.npy'", 1, "zero.npy: expected a folder, but found a file"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "status", "message"), BAD, ids=lambda value: str(value)[:40])
def test_what_cannot_be_is_one_line_with_its_place(folder, capsys, old, new, status, message):
    np.save(folder / "zero.npy", np.zeros((48, 48)))
    np.save(folder / "nan.npy", np.full((48, 48), np.nan))
    np.save(folder / "argv.npy", np.full((48, 48), "x"))
    text = CONFIG.replace(old, new, 1)
    assert text != CONFIG
    (folder / "refine.toml").write_text(text)
    assert refine(folder) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not (folder / "refined").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 20_000 + "]" * 20_000, "brackets or tables are nested too deep"),
        ("a = " + "9" * 10_000, "a number in it is too large, or no date is like this"),
        (f"[fit]\nsteps = {10**400}", "must be a whole number of at least 1"),
        (f"[likelihood]\nfloor = {10**400}", "must be a positive number"),
        ("\0", "line 1: expected text, but found a zero byte"),
    ],
)
def test_toml_that_no_one_writes(folder, capsys, text, message):
    (folder / "refine.toml").write_text(text)
    assert refine(folder) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert str(folder / "refine.toml") in err
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("table", "message"), [("images", "at least one image"), ("parameters", "nothing is free")])
def test_something_must_be_measured_and_something_free(folder, capsys, table, message):
    kept = [part for part in CONFIG.split("[[") if not part.startswith(table)]
    (folder / "refine.toml").write_text("[[".join(kept))
    assert refine(folder) == 2
    assert message in capsys.readouterr().err


def test_images_share_their_options(folder, capsys):
    changed(folder, (FREE, f'{IMAGE}\nfile = "observed.img"\nflags = "-oversample 2"\n{FREE}'))
    text = (folder / "refine.toml").read_text()
    (folder / "refine.toml").write_text(text.replace(f'{FREE}\npath = "image', '[[parameters]]\npath = "image'))
    assert refine(folder) == 2
    assert "the option oversample is 2, but 7 for the first image: it must be one" in capsys.readouterr().err


def test_the_help_page_lists_every_key(capsys):
    assert main(["refine", "--help"]) == 0
    page = capsys.readouterr().out
    for name, keys in TABLES.items():
        assert (f"[[{name}]]" if name in ARRAYS else f"[{name}]") in page
        assert all(f"  {key}" in page for key in keys)
    assert main(["refine"]) == 2
    assert main(["refine", "nothing.toml"]) == 1
    assert "nothing.toml: no such file" in capsys.readouterr().err


def test_the_detector_of_a_file(folder, counts, capsys):
    """The same fit with the geometry in a file, and its flags without that file."""
    from jaxbragg.io.recording import Recording
    from jaxbragg.io.sidecars import write_expt

    experiment, _ = jb.read_experiment(flags_of(BEGIN))
    write_expt(folder / "x.expt", Recording.of(counts.astype(np.uint32), experiment))
    flags = f"--geometry {folder / 'x.expt'} -N 6 -gauss_xtal -fluence 3e28 -default_F 100 -oversample 7"
    changed(folder, (COMMON, flags), (f'flags = ["-misset", "{BEGIN[0]}", "{BEGIN[1]}", "{BEGIN[2]}"]\n', ""))
    assert refine(folder) == 0
    capsys.readouterr()
    record = json.loads((folder / "refined" / "result.json").read_text())
    assert record["chi2_per_dof"] == pytest.approx(1.0, abs=0.2)
    argv = shlex.split((folder / "refined" / "flags_0.txt").read_text())
    assert "--geometry" not in argv
    again, _ = jb.read_experiment(argv)
    truth, _ = jb.read_experiment(flags_of(TRUTH))
    # In another frame: lengths and angles are the same.
    for name in ("detector.origin", "beam.direction"):
        part, field = name.split(".")
        one, other = (np.asarray(getattr(getattr(e, part), field), float) for e in (again, truth))
        assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(other), rel=1e-9)
    image, wanted = (np.asarray(jb.simulate(e, jb.Options(oversample=7))) for e in (again, truth))
    assert np.corrcoef(image.ravel(), wanted.ravel())[0, 1] > 0.999
