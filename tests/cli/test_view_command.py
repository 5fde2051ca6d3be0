"""`jaxbragg view`: one image, two, and what cannot be shown."""

from pathlib import Path

import numpy as np
import pytest
from geometries import experiment_of

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_expt


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("matplotlib")
    experiment = experiment_of("tilted")
    counts = np.random.default_rng(0).poisson(5, (3, 40, 60))
    jb.save("a.h5", experiment, counts, (5.0, 1.0))
    write_expt("a.expt", Recording.of(counts.astype(np.uint32), experiment, (5.0, 1.0)))
    flat = experiment_of("flat")
    jb.save("x_1.cbf", flat, counts[0])
    jb.save("y_1.cbf", flat, counts[1])
    np.save("p.npy", counts[0])
    (counts[0] * 1.0).astype("<f4").tofile("raw.bin")


def size(path):
    import matplotlib.image

    return matplotlib.image.imread(path).shape


@pytest.mark.parametrize(
    "words",
    [
        "a.h5 --frame 1",
        "a.h5 --frame 1 --scale log --upper 20 --no-rings --title x",
        "a.h5 --frame 2 --geometry a.expt --predict --dmin 2 --labels --mosaic 0.5",
        "x_1.cbf --percentile 100",
        "p.npy",
        "raw.bin --shape 40 60",
        "raw.bin --geometry a.expt",
        "x_1.cbf y_1.cbf",
    ],
)
def test_a_picture_is_written(words, capsys):
    assert main(["view", *words.split(), "-o", "v.png"]) == 0
    said = capsys.readouterr().out
    assert "wrote v.png" in said
    assert ("reflections predicted" in said) == ("--predict" in words)
    assert size("v.png")[0] > 300


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("a.h5 -o v.png", 1, "holds 3 images: say which with frame = 0"),
        ("raw.bin -o v.png", 1, "how many pixels it has is not known: give --shape SLOW FAST"),
        ("a.h5 --frame 0 --predict -o v.png", 2, "--predict needs a crystal: --geometry FILE.expt"),
        ("a.h5 --frame 0 -o v.jpg", 2, ".jpg is JPEG, but -o writes PNG"),
        ("p.npy -o p.npy", 2, "p.npy"),
        ("x_1.cbf y_1.cbf p.npy -o v.png", 2, "one image or two can be shown, not 3"),
        ("x_1.cbf y_1.cbf --frame 1 -o v.png", 2, "--frame goes with one image, and these are two"),
        ("x_1.cbf y_1.cbf", 2, "two images are shown in a file: -o FILE.png"),
        ("p.npy --percentile 101 -o v.png", 2, "expected a percentage up to 100"),
        ("nothing.h5 -o v.png", 1, "nothing.h5: no such file"),
    ],
)
def test_what_is_wrong_is_named(words, status, message, capsys):
    before = sorted(Path().iterdir())
    assert main(["view", *words.split()]) == status
    assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_without_a_screen_a_file_is_asked_for(capsys, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["view", "p.npy"]) == 2
    assert "there is no screen here to open a window on: write a file with -o" in capsys.readouterr().err


def test_help_has_an_example(capsys):
    assert main(["view", "--help"]) == 0
    assert "jaxbragg view image.h5 --frame 3 -o image.png" in capsys.readouterr().out
