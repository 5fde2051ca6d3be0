"""What a run prints: the experiment as it was understood, and what came of it."""

import io
import sys

import numpy as np
import pytest

from jaxbragg.cli import main
from jaxbragg.io import read_float_image

CRYSTAL = "-cell 40 50 60 90 104 90 -misset 1 2 3 -default_F 100 -N 5"
SMALL = f"{CRYSTAL} -detpixels 16 -pixel 0.1 -floatfile photons.bin"


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def output(capsys, flags=""):
    assert main([*SMALL.split(), *flags.split()]) == 0
    return capsys.readouterr()


def value(text, name):
    """What stands behind a name."""
    found = [line[14:] for line in text.splitlines() if line.startswith(f"  {name:<12}")]
    assert len(found) == 1
    return found[0]


def test_the_experiment(capsys):
    text = output(capsys, "-distance 120 -lambda 1.25 -mosaic 0.5 -mosaic_domains 3 -osc 1 -phisteps 2").out
    assert value(text, "cell") == "40 50 60 90 104 90 Å, deg"
    assert float(value(text, "volume").split()[0]) == pytest.approx(40 * 50 * 60 * np.sin(np.radians(104)), rel=1e-5)
    assert value(text, "misset") == "1 2 3 deg"
    assert value(text, "size") == "5 × 5 × 5 cells, 0.02 × 0.025 × 0.03 µm, square spots"
    assert value(text, "mosaic") == "3 domain(s) within 0.5 deg"
    assert value(text, "elsewhere") == "100 electrons"
    assert value(text, "wavelength") == "1.25 Å"
    assert value(text, "sources") == "1"
    assert value(text, "pixels") == "16 × 16 of 0.1 mm, MOSFLM"
    assert value(text, "distance") == "120 mm to the beam spot"
    assert value(text, "Xbeam Ybeam") == "0.85, 0.85 mm"
    assert value(text, "Fbeam Sbeam") == "0.9, 0.9 mm"
    assert value(text, "origin") == "120, 0.9, -0.9 mm (outer corner of the first pixel)"
    assert value(text, "pivot") == "beam"
    assert value(text, "per pixel") == "1² sub-pixels × 1 layer(s) × 1 source(s) × 2 φ step(s) × 3 domain(s)"
    assert value(text, "phi") == "0 … 0.5 deg about 0 0 1"
    a, b, c = (np.array(value(text, name).split()[:3], float) for name in "abc")
    stars = [np.array(value(text, name).split()[:3], float) for name in ("a*", "b*", "c*")]
    assert np.allclose(np.array([a, b, c]) @ np.transpose(stars), np.eye(3), atol=1e-6)


@pytest.mark.parametrize("angle", [90, 120])
def test_a_detector_that_the_beam_goes_past(capsys, angle):
    text = output(capsys, f"-xds -twotheta {angle}").out
    assert value(text, "distance") == "none: behind the sample the beam does not reach it"
    assert value(text, "nearest").startswith("100 mm at ")


def test_sources_and_sensor(capsys):
    text = output(
        capsys, "-divergence 2 -divsteps 3 -dispersion 2 -detector_thick 300 -detector_abs 400 -thicksteps 3"
    ).out
    assert value(text, "sources") == "10, 0.99 … 1.01 Å, up to 1 mrad off the beam"
    assert value(text, "sensor") == "3 layer(s), 100 µm apart, attenuation depth 400 µm"


def test_sources_are_those_that_are_simulated(capsys):
    assert value(output(capsys, "-dispsteps 4 -lambda 1.25").out, "sources") == "1"
    with open("one.txt", "w") as file:
        file.write("-10 0 0 1 0.9e-10\n")
    text = output(capsys, "-sourcefile one.txt -lambda 1.25").out
    assert value(text, "sources") == "1, 0.9 … 0.9 Å, up to 0 mrad off the beam"


def test_the_image(capsys):
    text = output(capsys).out
    image = read_float_image("photons.bin", (16, 16)).astype(float)
    slow, fast = np.unravel_index(image.argmax(), image.shape)
    assert float(value(text, "photons").split()[0]) == pytest.approx(image.sum(), rel=1e-7)
    assert value(text, "brightest") == (
        f"{image.max():.8g} at slow {slow}, fast {fast} ({(fast + 0.5) * 0.1:g}, {(slow + 0.5) * 0.1:g} mm)"
    )
    mean, rms, rmsd = (float(part.split()[-1]) for part in value(text, "mean").split(","))
    assert mean == pytest.approx(image.mean(), rel=1e-5)
    assert rmsd == pytest.approx(image.std(ddof=1), rel=1e-5)
    assert rms == pytest.approx(np.sqrt((image**2).sum() / 255), rel=1e-5)
    assert text.splitlines()[-1] == "wrote photons.bin: photons, raw little-endian float32, 16 × 16"


def test_notes_and_warnings(capsys):
    printed = output(capsys, "-spindle_axis 0 0 1 -fudge 2")
    assert "note: -spindle_axis selects the CUSTOM convention, without MOSFLM's half-pixel shift\n" in printed.out
    assert printed.err == "warning: -fudge has no effect on square spots\n"


def test_quiet_prints_nothing_but_doubts_about_the_image(capsys):
    """`--quiet`: advice is left out; what was asked for with -printout still comes."""
    printed = output(capsys, "--quiet -fudge 2")
    assert printed.out == printed.err == ""
    doubt = "-detector_thick without -detector_abs: attenuation depth 300 µm, the thickness"
    assert output(capsys, "--quiet -fudge 2 -detector_thick 300").err == f"warning: {doubt}\n"
    assert len(output(capsys, "--quiet -printout_pixel 3 4").out.splitlines()) == 2


# Pixels --------------------------------------------------------------------------------------------------------------


def rows(text):
    lines = text.splitlines()
    start = lines.index("    fast    slow       d [Å]         photons")
    table = [line.split() for line in lines[start + 1 :]]
    return np.array([row for row in table if len(row) == 4], float)


def test_printout_of_every_pixel_drawn(capsys):
    table = rows(output(capsys, "--quiet -printout -roi 2 5 7 9").out)
    image = read_float_image("photons.bin", (16, 16))
    assert len(table) == 12
    fast, slow = table[:, :2].astype(int).T
    assert set(zip(fast, slow, strict=True)) == {(f, s) for f in range(2, 6) for s in range(7, 10)}
    assert np.allclose(table[:, 3], image[slow, fast], rtol=1e-6)


def test_printout_of_one_pixel(capsys):
    """-printout_pixel takes fast, then slow; the spacing is λ/(2 sin θ) at the pixel's middle."""
    table = rows(output(capsys, "--quiet -printout_pixel 3 12 -lambda 1.25").out)
    image = read_float_image("photons.bin", (16, 16))
    angle = np.arctan2(np.hypot(0.35 - 0.9, 1.25 - 0.9), 100)
    assert table.shape == (1, 4)
    assert table[0] == pytest.approx([3, 12, 1.25 / (2 * np.sin(angle / 2)), image[12, 3]], rel=1e-5)


def test_at_the_beam_the_spacing_is_infinite(capsys):
    text = output(capsys, "--quiet -printout_pixel 8 8 -Xbeam 0.8 -Ybeam 0.8").out
    assert text.split()[-2] == "inf"


# Progress and device -------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("flags", "terminal", "shown"),
    [
        ("", True, True),
        ("-progress", True, True),
        ("", False, False),
        ("-progress", False, False),
        ("-noprogress", True, False),
        ("-progress -noprogress", True, False),
        ("-noprogress -progress", True, True),
        ("--quiet", True, False),
    ],
)
def test_who_sees_a_progress_bar(capsys, monkeypatch, flags, terminal, shown):
    import tqdm

    shares = []

    class Bar:
        n = 0

        def __init__(self, **arguments):
            assert arguments["total"] == 100

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def update(self, step):
            self.n += step
            shares.append(self.n)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    if terminal:
        monkeypatch.setattr(sys, "stderr", Terminal())
    assert main([*SMALL.split(), *flags.split()]) == 0
    assert bool(shares) == shown
    assert not shown or shares[-1] == 100


@pytest.mark.parametrize(("nanoseconds", "delay"), [(1.0, 1.0), (1e9, 0.0)])
def test_a_long_image_has_its_bar_before_the_first_block_is_done(monkeypatch, nanoseconds, delay):
    import tqdm

    from jaxbragg.cli import cost

    class Shown(Exception):
        pass

    def bar(**arguments):
        assert arguments["delay"] == delay
        raise Shown

    monkeypatch.setattr(tqdm, "tqdm", bar)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(cost, "measured", lambda *arguments: cost.Cost(256, 1, nanoseconds))
    with pytest.raises(Shown):
        main(SMALL.split())


def test_device(capsys):
    """`--device cpu` is there everywhere."""
    assert value(output(capsys, "--device cpu").out, "precision") == "mixed on cpu"


def test_the_spacing_of_a_curved_detectors_pixel(capsys):
    """Offsets from the beam spot at 36, 36 mm, over the distance, are angles: cos 2θ = cos 0.26 cos 0.22."""
    text = output(capsys, "-curved_det -detpixels 16 -pixel 4 -distance 100 -lambda 1 -printout_pixel 2 3").out
    (line,) = (words for words in map(str.split, text.splitlines()) if words[:2] == ["2", "3"])
    expected = 1 / np.sqrt(2 * (1 - np.cos(0.26) * np.cos(0.22)))
    assert float(line[2]) == pytest.approx(expected, rel=1e-5)
