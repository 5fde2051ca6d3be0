"""`jaxbragg batch`: chunks that are never lost, whatever happens, and the same bytes however they were drawn."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from jaxbragg.cli import main

PLAN = '''\
shots = 23
seed = 3

[base]
flags = """-cell 50 60 70 90 90 90 -default_F 100 -N 6 -detpixels 40 -pixel 1 -distance 100 -lambda 1 -fluence 1e28
  -mosaic 0.5 -mosaic_domains 3"""

[vary]
"crystal.orientation" = "uniform"
"crystal.cell.a" = {normal = [50, 0.2]}
"beam.wavelength" = {normal = [1.0, 0.001]}

[output]
chunk = 5
counts = true
dtype = "uint16"
compression = "gzip"
'''


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def bytes_of(folder):
    """Of every chunk."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(folder, "chunks").glob("*.h5"))
    }


def run(*words):
    return main(["batch", "plan.toml", *words])


@pytest.fixture
def drawn(plan, capfd):
    assert run("--out", "whole") == 0
    capfd.readouterr()
    return bytes_of("whole")


def test_the_master_shows_one_stack_and_what_was_drawn(drawn, tmp_path) -> None:
    assert len(drawn) == 5
    with h5py.File("whole/master.h5") as file:
        data = file["entry/data/data"]
        assert data.shape == (23, 40, 40)
        assert data.dtype == np.uint16
        np.testing.assert_array_equal(file["entry/shots/number"], np.arange(23))
        wavelengths = file["entry/instrument/beam/incident_wavelength"][()]
        np.testing.assert_array_equal(wavelengths, file["entry/shots/beam.wavelength"])
        assert len(np.unique(wavelengths)) == 23
        images = data[()]
    assert images[22].sum() > 0
    # Wherever the folder is, and from wherever it is looked at.
    shutil.move("whole", "elsewhere")
    os.chdir("/")
    with h5py.File(tmp_path / "elsewhere" / "master.h5") as file:
        np.testing.assert_array_equal(file["entry/data/data"], images)


def test_the_reflections_of_every_shot_are_one_table_in_the_master(plan) -> None:
    """Their photons are those of the images, each lattice's own, and a shot by itself has the same."""
    text = PLAN.replace("shots = 23", "shots = 4\nlattices = {choice = [1, 2]}").replace("counts = true", "")
    text = text.replace("-mosaic 0.5", "-oversample 1 -mosaic 0.5").replace('dtype = "uint16"', "reflections = true")
    plan.write_text(text.replace("chunk = 5", "chunk = 3"))
    assert run("--out", "whole") == 0
    with h5py.File("whole/master.h5") as file:
        table = {name: each[()] for name, each in file["entry/reflections"].items()}
        images, counts = file["entry/data/data"][()], file["entry/shots/lattices"][()]
        assert file["entry/reflections/photons"].attrs["units"] == "photons"
    assert set(counts) == {1, 2}
    for shot, (image, count) in enumerate(zip(images, counts, strict=True)):
        mine = table["shot"] == shot
        assert table["photons"][mine].sum() == pytest.approx(image.sum(), rel=1e-4)
        assert set(table["lattice"][mine]) == set(range(int(count)))
        first = np.flatnonzero(mine)[0]  # the brightest of the first lattice
        slow, fast = int(table["slow"][first]), int(table["fast"][first])
        assert image[slow, fast] > 5 * image.mean()
    assert run("--out", "alone.h5", "--shots", "3") == 0
    with h5py.File("alone.h5") as file:
        for name, each in table.items():
            np.testing.assert_array_equal(file["entry/reflections"][name][()], each[table["shot"] == 3])


@pytest.mark.filterwarnings("default::jaxbragg.SampledWarning")
def test_pulses_are_in_the_master_by_shot_and_no_spectrum_is_of_all(plan, capsys) -> None:
    text = PLAN.replace('"beam.wavelength" = {normal = [1.0, 0.001]}', "").replace("shots = 23", "shots = 2")
    text = text.replace("-mosaic 0.5", "-oversample 1 -mosaic 0.5")
    plan.write_text(text + "\n[sase]\nbandwidth = 0.3\nduration = 20\nlines = 8\n")
    assert run("--out", "whole") == 0
    assert "warning: 4096 samples stand for" in capsys.readouterr().err  # as the spots are not gauss ones
    with h5py.File("whole/master.h5") as file:
        assert file["entry/shots/sase.weights"].shape == (2, 8)
        assert "incident_wavelength_1Dspectrum" not in file["entry/instrument/beam"]
        assert file["entry/instrument/beam/incident_wavelength"][()] == pytest.approx(1.0)


def test_a_check_says_how_long_all_of_it_takes_and_how_it_is_drawn(plan, capsys) -> None:
    text = PLAN.replace("-mosaic 0.5", "-oversample 1 --bandwidth 0.1 -mosaic 0.5").replace("23", "20000000")
    plan.write_text(text + "at_once = 2\n")
    assert run("--out", "whole", "--check") == 0
    shown = capsys.readouterr()
    assert re.search(r"time +about [\d.]+ (min|h|days) on this machine, [\d.e+]+ shots a second", shown.out), shown.out
    assert "4096 samples (--samples) stand for what is Gaussian" in shown.err
    assert not Path("whole").exists()


def test_independent_readers_open_the_master(drawn) -> None:
    fabio = pytest.importorskip("fabio")
    with h5py.File("whole/master.h5") as file:
        images = file["entry/data/data"][()]
    with fabio.open("whole/chunks/shots-000005.h5::/entry/data/data") as file:
        np.testing.assert_array_equal(file.get_frame(2).data, images[7])
    nxmx = pytest.importorskip("nxmx")
    with h5py.File("whole/master.h5") as file:
        entry = nxmx.NXmx(file).entries[0]
        assert entry.instruments[0].beams[0].incident_wavelength.shape == (23,)
        assert entry.definition == "NXmx"


def test_shards_other_chunks_and_single_shots_have_the_same_shots(drawn, plan) -> None:
    for shard in ("2/3", "3/3", "1/3"):
        assert not Path("shards/master.h5").exists()
        assert run("--out", "shards", "--shard", shard) == 0
    assert bytes_of("shards") == drawn
    assert Path("shards/master.h5").exists()
    with h5py.File("whole/master.h5") as file:
        images = file["entry/data/data"][()]
    assert run("--out", "some.h5", "--shots", "17,2") == 0
    with h5py.File("some.h5") as file:
        np.testing.assert_array_equal(file["entry/data/data"], images[[17, 2]])
        np.testing.assert_array_equal(file["entry/shots/number"], [17, 2])
    plan.write_text(PLAN.replace("chunk = 5", "chunk = 9"))
    assert run("--out", "others") == 0
    with h5py.File("others/master.h5") as file:
        np.testing.assert_array_equal(file["entry/data/data"], images)


def test_damaged_chunks_are_drawn_again_and_whole_ones_are_not(drawn, capfd) -> None:
    names = sorted(drawn)
    before = {name: Path("whole/chunks", name).stat().st_mtime_ns for name in names}
    flipped, cut, gone, unsaid = (Path("whole/chunks", name) for name in names[:4])
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-100])
    gone.unlink()
    unsaid.with_suffix(".json").write_text("{")
    assert run("--out", "whole") == 0
    said = capfd.readouterr()
    assert said.err.count("is damaged: it is drawn again") == 3  # and one is missing
    assert "1 of 5 chunks are there" in said.out
    assert bytes_of("whole") == drawn
    assert Path("whole/chunks", names[4]).stat().st_mtime_ns == before[names[4]]
    assert run("--out", "whole") == 0
    assert "nothing was left to draw" in capfd.readouterr().out


def test_another_plan_is_refused_with_what_differs(drawn, plan, capfd) -> None:
    plan.write_text(PLAN.replace("seed = 3", "seed = 4"))
    assert run("--out", "whole") == 1
    assert "seed was 3 and is 4" in capfd.readouterr().err
    plan.write_text(PLAN.replace("[50, 0.2]", "[50, 0.3]"))
    assert run("--out", "whole") == 1
    assert "vary.crystal.cell.a was" in capfd.readouterr().err
    assert bytes_of("whole") == drawn
    Path("whole/plan.json").write_text("{")
    assert run("--out", "whole") == 1
    assert "broken" in capfd.readouterr().err


def test_two_processes_do_not_mix(plan, capfd) -> None:
    fcntl = pytest.importorskip("fcntl")
    assert run("--out", "whole", "--shard", "1/5") == 0
    with open("whole/folder.lock", "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as a shard holds it
        capfd.readouterr()
        assert run("--out", "whole") == 1
        assert "works in this folder" in capfd.readouterr().err
        assert run("--out", "whole", "--shard", "2/5") == 0
    with open("whole/shard-1-of-5.lock", "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("--out", "whole", "--shard", "2/5") == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("shots = 23", "shots = 0", r"line 1: shots must be a whole number of at least 1"),
        ("shots = 23", "shot = 23", r"unknown table or key 'shot': did you mean 'shots'"),
        ("shots = 23", "", r"shots is missing"),
        ("chunk = 5", "chunks = 5", r"line 14: \[output\]: unknown key 'chunks': did you mean 'chunk'"),
        ("chunk = 5", "chunk = -5", r"line 14: \[output\] chunk must be"),
        ('"crystal.cell.a" = {normal', '"crystal.cel.a" = {normal', r"nearest path is 'crystal.cell.a'"),
        (
            "normal = [50",
            "normall = [50",
            r"crystal.cell.a: unknown distribution .*did you mean 'normal'",
        ),
        ("[50, 0.2]", "[50, -0.2]", r"standard deviation must not be negative"),
        ("[50, 0.2]", "[50, 0.2, 3]", r"normal takes \[mean, standard deviation\]"),
        ("[50, 0.2]", "[1, 80]", r"Shot \d+ cannot be: .*crystal.cell.a"),
        ('"uniform"', '"unifrom"', r"crystal.orientation: must be a distribution"),
        ('dtype = "uint16"', 'dtype = "float32"', r"counts are whole numbers"),
        ('"gzip"', '"zip"', r"compression must be one of"),
        ("-cell 50", "--counts -cell 50", r"--counts is of one image and its files"),
        ("-cell 50", "--device cpu -cell 50", r"--device is of one image"),
        ("-cell 50", "-adc 3 -cell 50", r"-adc is of one image"),
        ("-cell 50", "-cel 50", r"line 5: \[base\]: unknown|\[base\]"),
        ("[vary]", "[vary", r"no TOML"),
    ],
)
def test_mistakes_are_named_with_their_line(old, new, says, plan, capfd) -> None:
    assert PLAN.count(old) == 1
    plan.write_text(PLAN.replace(old, new))
    assert run("--out", "whole") == 2
    said = capfd.readouterr().err
    assert re.search(says, said), said
    assert said.count("\n") == 1, said
    assert not list(Path().glob("whole/chunks/*.h5"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--shard", "0/3"], "i from 1 to n"),
        (["--shard", "slurm"], "no job of SLURM"),
        (["--shots", "1;2"], "such as 17,42"),
        (["--workers", "2"], "--dask local"),
        (["--dask", "local", "--shard", "1/2"], "contradicts"),
        (["--dask", "local", "--device", "cpu"], "contradicts"),
        (["--shots", "1", "--shard", "1/2"], "--shots contradicts --shard"),
        (["--chunks", "3"], "unknown flag"),
    ],
)
def test_flags_that_cannot_be(words, says, plan, capfd, monkeypatch) -> None:
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    out = ["--out", "x.h5" if "--shots" in words else "x"]
    assert run(*out, *words) == 2
    assert says in capfd.readouterr().err


def test_a_device_that_is_not_there_is_no_other(plan, capfd) -> None:
    assert run("--out", "x", "--device", "rocm", "--check") == 2
    assert "--device rocm: JAX finds no such device here" in capfd.readouterr().err


def test_what_the_flags_of_the_base_are_warned_of_is_said(plan, capfd) -> None:
    plan.write_text(PLAN.replace("-mosaic_domains 3", ""))
    assert run("--out", "x", "--check") == 0
    assert "warning: plan.toml: -mosaic without -mosaic_domains" in capfd.readouterr().err


def test_slurm_says_which_shard(plan, monkeypatch, capfd) -> None:
    for name, value in (("SLURM_ARRAY_TASK_ID", "12"), ("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_COUNT", "5")):
        monkeypatch.setenv(name, value)
    assert run("--out", "whole", "--shard", "slurm") == 0
    assert list(bytes_of("whole")) == ["shots-000010.h5"]
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "16")
    monkeypatch.setenv("SLURM_ARRAY_TASK_STEP", "2")
    assert run("--out", "steps", "--shard", "slurm") == 0
    assert list(bytes_of("steps")) == ["shots-000015.h5"]
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "15")
    assert run("--out", "steps", "--shard", "slurm") == 2
    assert "even steps" in capfd.readouterr().err


def test_check_draws_nothing(plan, capfd) -> None:
    assert run("--out", "whole", "--check") == 0
    assert "71.88 KiB before they are packed" in capfd.readouterr().out
    assert not Path("whole").exists()


def test_a_folder_that_cannot_be_written(plan, capfd) -> None:
    Path("file").write_text("")
    assert run("--out", "file") == 1
    assert capfd.readouterr().err.startswith("jaxbragg: file: ")


def command(out, *words):
    return [sys.executable, "-m", "jaxbragg", "batch", "plan.toml", "--out", out, *words]


def environment_of_its_own():
    """Whose compilations no other test finds: a process that is killed may leave one half written."""
    kept = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    return kept | {"JAXBRAGG_CACHE": os.path.abspath("cache"), "JAX_PLATFORMS": "cpu"}


def test_a_disk_that_is_full_loses_nothing(drawn) -> None:
    """Files of at most 6 kB, as a limit of the process: no chunk fits."""
    script = (
        "import resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from jaxbragg.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    environment = environment_of_its_own()
    done = subprocess.run([sys.executable, "-c", script, *command("full")[3:]], capture_output=True, text=True,
                          env=environment, check=False)  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "too large" in done.stderr
    assert "0 of 5 chunks are there: the same command goes on" in done.stderr
    assert not list(Path("full/chunks").iterdir())
    assert run("--out", "full") == 0
    assert bytes_of("full") == drawn


def killed_at_random(out, times, number=signal.SIGKILL):
    """How often the command had not ended by itself."""
    chance, killed = random.Random(5), 0
    for _ in range(times):
        process = subprocess.Popen(command(out, "--quiet"), stderr=subprocess.PIPE, env=environment_of_its_own())
        time.sleep(chance.uniform(0.3, 4.0))
        killed += process.poll() is None
        process.send_signal(number)
        process.communicate()
    return killed


def test_after_kills_the_rest_is_drawn_with_the_same_bytes(drawn, capfd) -> None:
    assert killed_at_random("killed", 2) > 0
    assert run("--out", "killed") == 0
    assert bytes_of("killed") == drawn
    assert not [name for name in os.listdir("killed/chunks") if name.endswith(".part")]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_after_twenty_kills_too(number, drawn, capfd) -> None:
    assert killed_at_random("killed", 20, number) > 3
    assert run("--out", "killed") == 0
    assert bytes_of("killed") == drawn


def test_sigterm_says_how_to_go_on(drawn, plan) -> None:
    plan.write_text(PLAN.replace("shots = 23", "shots = 20000"))
    process = subprocess.Popen(command("ended"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=environment_of_its_own())  # fmt: skip
    while not list(Path().glob("ended/chunks/*.json")):
        time.sleep(0.1)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert re.search(r"\d+ of 4000 chunks are there: the same command goes on", said), said


@pytest.mark.slow
def test_workers_of_dask_make_the_same_bytes_even_where_one_is_killed(drawn, capfd) -> None:
    distributed = pytest.importorskip("distributed")
    del distributed
    environment = environment_of_its_own()
    process = subprocess.Popen(command("dask", "--dask", "local", "--workers", "2"), env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    psutil = pytest.importorskip("psutil")
    while process.poll() is None and not list(Path().glob("dask/chunks/*.json")):
        time.sleep(0.1)
    workers = [
        each for each in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in str(each.cmdline())
    ]
    workers[-1].kill()
    out, said = process.communicate()
    assert process.returncode == 0, said
    assert "2 workers" in out
    assert bytes_of("dask") == drawn


@pytest.mark.slow
def test_a_scheduler_that_goes_away_or_is_not_there(drawn, plan, capfd) -> None:
    pytest.importorskip("distributed")
    assert run("--out", "none", "--dask", "tcp://127.0.0.1:9") == 2
    assert "no scheduler answers there" in capfd.readouterr().err
    plan.write_text(PLAN.replace("shots = 23", "shots = 3000"))
    dask, quiet = [sys.executable, "-m"], {"stderr": subprocess.DEVNULL}
    at = ["--host", "127.0.0.1", "--port", "18786", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "distributed.cli.dask_scheduler", *at], env=environment_of_its_own(), **quiet)
    of = ["tcp://127.0.0.1:18786", "--nthreads", "1", "--no-dashboard"]
    worker = subprocess.Popen([*dask, "distributed.cli.dask_worker", *of], env=environment_of_its_own(), **quiet)
    try:
        process = subprocess.Popen(command("gone", "--dask", "tcp://127.0.0.1:18786"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)  # fmt: skip
        until = time.monotonic() + 120
        while not list(Path().glob("gone/chunks/*.json")) and time.monotonic() < until:
            time.sleep(0.2)
        scheduler.kill()
        _, said = process.communicate(timeout=120)
    finally:
        for each in (worker, scheduler):
            each.kill()
            each.wait()
    assert process.returncode != 0
    assert "the same command goes on" in said
    states = [json.loads(path.read_text()) for path in Path("gone/chunks").glob("*.json")]
    assert states


def test_values_of_files(plan, tmp_path, capfd) -> None:
    from scipy.spatial.transform import Rotation

    import jaxbragg as jb

    matrices = Rotation.random(4, rng=0).as_matrix()
    np.save("turns.npy", matrices)
    plan.write_text(PLAN.replace('"crystal.orientation" = "uniform"', '"crystal.orientation" = {file = "turns.npy"}'))
    files = jb.read_plan("plan.toml")
    np.testing.assert_array_equal(files.plan.values(6)["crystal.orientation"], matrices[2])
    files.plan.prepare()
    np.save("turns.npy", 2 * matrices)
    assert run("--out", "x") == 2
    assert "Shot 0 cannot be" in capfd.readouterr().err
    Path("turns.npy").write_text("no numbers")
    assert run("--out", "x") == 1
    assert "turns.npy: expected numbers" in capfd.readouterr().err


def test_numbers_of_lattices_of_a_file_are_part_of_the_plan(plan, capfd) -> None:
    os.mkdir("plans")
    np.save("plans/n.npy", [1, 2, 1, 2])
    Path("plans/plan.toml").write_text(PLAN.replace("[base]", 'lattices = {file = "n.npy"}\n[base]'))
    assert main(["batch", "plans/plan.toml", "--out", "x", "--shard", "1/5"]) == 0
    np.save("plans/n.npy", [1, 1, 1, 2])
    assert main(["batch", "plans/plan.toml", "--out", "x", "--shard", "1/5"]) == 1
    assert "another plan" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("{poisson = [1, 2]}", "poisson takes"),
        ("{poisson = 1.2, least = [1]}", "least takes a whole number"),
        ("{poisson = 1.2, least = 1.9}", "least takes a whole number"),
        ("{choice = [1, 2], weights = 3}", "weights"),
        ("{choice = [1, 2], weights = [[1, 2], [3, 4]]}", "weights"),
        ("{normal = [2, 1]}", "whole numbers from 1 on"),
    ],
)
def test_lattices_that_cannot_be(spec, says, plan, capfd) -> None:
    plan.write_text(PLAN.replace("[base]", f"lattices = {spec}\n[base]"))
    assert run("--out", "x", "--check") == 2
    assert says in capfd.readouterr().err


def test_a_worker_with_another_version_is_refused(plan) -> None:
    from jaxbragg.cli.batch.worker import OtherVersionError, draw_chunk

    with pytest.raises(OtherVersionError, match="not 9"):
        draw_chunk("plan.toml", "x", "", "9", 0)
    from importlib.metadata import version

    with pytest.raises(OtherVersionError, match="another plan"):
        draw_chunk("plan.toml", "x", "", version("jaxbragg"), 0)


def test_the_crystals_of_an_expt_are_the_shots_in_the_frame_of_its_geometry(tmp_path, monkeypatch, capsys) -> None:
    """Each shot is the image that the crystal's own file makes; the experiments are merged as DIALS does."""
    monkeypatch.chdir(tmp_path)
    common = "-default_F 100 -N 6 -oversample 1 -fluence 1e28"
    panel = "-detpixels 40 -pixel 1 -distance 100 -lambda 1 -twotheta 5"
    made = f"-cell 50 60 70 80 95 100 {panel} -spindle_axis 0 0 1 {common} --sidecar"
    both = None
    for name, misset in (("a", "10 20 30"), ("b", "-40 5 77")):
        assert main([*made.split(), "-misset", *misset.split(), "-o", f"{name}.h5", "--quiet"]) == 0
        found = json.loads(Path(f"{name}.expt").read_text())
        if both is None:
            both = found
        else:
            both["crystal"] += found["crystal"]
            both["experiment"].append(both["experiment"][0] | {"crystal": 1})
        words = ["--geometry", f"{name}.expt", *common.split()]
        assert main([*words, "-floatfile", f"{name}.bin", "--quiet"]) == 0
    Path("both.expt").write_text(json.dumps(both))
    Path("plan.toml").write_text(
        f'shots = 2\n[base]\nflags = "--geometry both.expt {common}"\n'
        '[vary]\n"crystal.vectors" = {file = "both.expt"}\n[output]\ncompression = "gzip"\n'
    )
    assert run("--out", "whole", "--quiet") == 0
    with h5py.File("whole/master.h5") as file:
        images = file["entry/data/data"][()]
    for image, name in zip(images, "ab", strict=True):
        wanted = np.fromfile(f"{name}.bin", np.float32).reshape(40, 40)
        np.testing.assert_allclose(image, wanted, rtol=0, atol=1e-5 * wanted.max())
    Path("none.expt").write_text(json.dumps(both | {"experiment": [{"detector": 0, "beam": 0}]}))
    Path("plan.toml").write_text(Path("plan.toml").read_text().replace('file = "both', 'file = "none'))
    assert run("--out", "other", "--quiet") == 1
    assert "none.expt: expected crystals, but found none" in capsys.readouterr().err
