"""`--resume`: a series goes on where it was cut off, and only if it is the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.io import read_image

FLAGS = "-cell 40 -default_F 100 -N 10 -detpixels 64 -distance 20 -oversample 1 -water 1 -fluence 1e21"
TURNED = [*FLAGS.split(), *["-misset", "10", "20", "30", "-osc", "0.5", "-phisteps", "2", "-seed", "7", "--counts"]]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_series_goes_on_where_it_was_cut_off(capsys) -> None:
    series = [*TURNED, "--images", "4", "-o", "im_##.img"]
    assert main([*series, "--quiet"]) == 0
    whole = {path.name: path.read_bytes() for path in Path().glob("*.img")}
    assert sorted(whole) == ["im_01.img", "im_02.img", "im_03.img", "im_04.img"]
    for gone in (["im_01.img", "im_03.img"], ["im_04.img"], []):
        for name in gone:
            Path(name).unlink()
        stamps = {path.name: path.stat().st_mtime_ns for path in Path().glob("*.img")}
        capsys.readouterr()
        assert main([*series, "--resume"]) == 0
        printed = capsys.readouterr()
        assert f"{4 - len(gone)} of them were there" in printed.out
        assert "--resume" not in printed.err
        assert {path.name: path.read_bytes() for path in Path().glob("*.img")} == whole
        assert all(Path(name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())


@pytest.fixture
def drawn(monkeypatch) -> list[float]:
    """Where the spindle begins for each image that is drawn."""
    module = sys.modules["jaxbragg.simulate"]  # the name is the function's
    angles: list[float] = []
    simulate = module.simulate

    def noted(experiment, *arguments, **others):
        angles.append(float(experiment.scan.angles[0]))
        return simulate(experiment, *arguments, **others)

    monkeypatch.setattr(module, "simulate", noted)
    return angles


def test_what_is_there_is_not_drawn_again(drawn, capsys) -> None:
    series = [*TURNED, "-o", "im_##.cbf", "--resume"]
    assert main([*series, "--images", "3", "--quiet"]) == 0
    whole = drawn.copy()
    drawn.clear()
    Path("im_02.cbf").unlink()
    assert main([*series, "--images", "3"]) == 0
    assert drawn == [whole[1]]
    assert "image 2 of 3 is the first that is not there" in capsys.readouterr().out
    drawn.clear()
    assert main([*series, "--images", "3"]) == 0
    assert drawn == []
    assert "3 of them were there" in capsys.readouterr().out
    assert main([*series, "--images", "4", "--quiet"]) == 0  # a longer one
    np.testing.assert_allclose(drawn, [whole[0] + 1.5])


def test_a_series_of_other_flags_is_not_gone_on_with(capsys) -> None:
    series = [*TURNED, "--images", "2", "-o", "im.cbf"]
    assert main([*series, "--quiet"]) == 0
    old = {path.name: path.read_bytes() for path in Path().iterdir()}
    for other, message in (
        (["-fluence", "2e21"], "im.cbf.json: the images are of another series: -fluence was 1e+21 and is 2e+21"),
        (["-seed", "8", "-phi", "3"], "-seed was 7 and is 8, -phi was not given and is 3.0"),
        (["--saturation", "50"], "--saturation was not given and is 50"),
    ):
        Path("im_0002.cbf").unlink()
        assert main([*series, *other, "--resume"]) == 1
        assert message in capsys.readouterr().err
        Path("im_0002.cbf").write_bytes(old["im_0002.cbf"])
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == old
    Path("im.cbf.json").write_text("[1, 2]")
    assert main([*series, "--resume"]) == 1
    assert "im.cbf.json: expected what a series of images is of" in capsys.readouterr().err
    Path("im.cbf.json").unlink()
    assert main([*series, "--resume"]) == 0
    assert "--resume keeps 2 of 2 images; whether of the same flags is not known" in capsys.readouterr().err


def test_a_file_that_has_changed_is_seen(capsys) -> None:
    listed = [*TURNED, "-hkl", "f.hkl", "--images", "2", "-o", "im.cbf"]
    Path("f.hkl").write_text("1 2 3 100\n")
    assert main([*listed, "--quiet"]) == 0
    Path("f.hkl").write_text("1 2 3 101\n")
    assert main([*listed, "--resume"]) == 1
    assert "another series: what a file holds that flags name" in capsys.readouterr().err


def test_images_of_a_series_that_was_there_before_are_not_taken_for_new_ones(monkeypatch) -> None:
    """The second series, of other flags, begins over the first, and is cut off after one image of three."""
    import jaxbragg.cli.recorded as recorded

    series = [*TURNED, "--images", "3", "-o", "im.cbf", "--quiet"]
    assert main([*series, "-fluence", "3e21"]) == 0
    whole = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert main(series) == 0
    made = recorded.as_counts

    def cut(*arguments):
        cut.left -= 1
        if cut.left < 0:
            raise KeyboardInterrupt
        return made(*arguments)

    cut.left = 1
    monkeypatch.setattr(recorded, "as_counts", cut)
    assert main([*series, "-fluence", "3e21"]) == 130
    cut.left = 9
    assert main([*series, "-fluence", "3e21", "--resume"]) == 0
    assert cut.left == 7
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == whole


def test_a_series_that_was_killed_is_made_whole() -> None:
    """By SIGKILL, which no program hears of, once its first image is there; the rest is that of a run that was not."""
    series = [*TURNED, "--images", "60", "--quiet", "-o"]
    env = os.environ | {"JAX_PLATFORMS": "cpu"}
    Path("whole").mkdir()
    assert main([*series, "whole/im.cbf"]) == 0
    run = subprocess.Popen([sys.executable, "-m", "jaxbragg", *series, "im.cbf"], env=env)
    try:
        until = time.monotonic() + 120
        while not Path("im_0001.cbf").exists():
            assert run.poll() is None
            assert time.monotonic() < until
            time.sleep(0.002)
    finally:
        run.kill()
        assert run.wait() == -signal.SIGKILL
    assert 0 < len([*Path().glob("im_*.cbf")]) < 60
    assert main([*series, "im.cbf", "--resume"]) == 0
    for path in Path("whole").iterdir():
        assert Path(path.name).read_bytes() == path.read_bytes()


def test_a_series_in_one_file_goes_on_where_it_was_cut_off(monkeypatch, capsys) -> None:
    """Cut off after two of four images, by an error and by Ctrl-C; the whole is that of a run that was not."""
    import jaxbragg.cli.recorded as recorded

    series = [*TURNED, "--images", "4", "-o", "all.h5"]
    assert main([*TURNED, "--images", "4", "-o", "whole.h5", "--quiet"]) == 0
    made = recorded.as_counts

    def cut(*arguments):
        cut.left -= 1
        if cut.left < 0:
            raise KeyboardInterrupt
        return made(*arguments)

    monkeypatch.setattr(recorded, "as_counts", cut)
    cut.left = 2
    assert main(series) == 130
    assert "all.h5.part holds the images that are done: the same command with --resume" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["all.h5.part", "whole.h5"]
    assert main(series) == 2
    assert "all.h5.part is there, of a series that was cut off: --resume goes on" in capsys.readouterr().err
    cut.left = 9
    assert main([*series, "--resume", "-fluence", "2e21"]) == 1
    assert "it is of another series" in capsys.readouterr().err
    assert main([*series, "--resume"]) == 0
    assert "4 images of 0.5° of rotation, 2 of them were there" in capsys.readouterr().out
    assert cut.left == 7
    assert sorted(path.name for path in Path().iterdir()) == ["all.h5", "whole.h5"]
    for i in range(4):
        one, other = (read_image(name, None, None, i).pixels for name in ("all.h5", "whole.h5"))
        np.testing.assert_array_equal(one, other)
    with h5py.File("all.h5") as file:
        assert [*file.attrs] == ["default"]
    Path("all.h5.part").write_bytes(Path("whole.h5").read_bytes()[:3000])
    assert main([*series, "--resume"]) == 1
    assert "all.h5.part: expected images that are there already, but it is broken" in capsys.readouterr().err
