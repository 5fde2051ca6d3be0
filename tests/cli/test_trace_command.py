"""`jaxbragg trace`: its flags, files and mistakes."""

import json
import shlex

import pytest

from jaxbragg.cli import main
from jaxbragg.trace import PixelTrace

STILL = shlex.split(
    "-cell 40 40 55 90 90 90 -default_F 100 -N 6 -lambda 1 -distance 100 -detpixels 16 -pixel 1 -oversample 1"
)


def test_text_on_the_screen_is_float64(capsys):
    assert main(["trace", "-trace_pixel", "3", "4", *STILL]) == 0
    trace = PixelTrace.from_text(capsys.readouterr().out)
    assert (trace.slow, trace.fast, trace.precision) == (3, 4, "float64")


def test_several_pixels_into_a_file(tmp_path):
    out = tmp_path / "two.log"
    assert main(["trace", *STILL, "-trace_pixel", "3", "4", "5", "6", "-o", str(out), "--precision", "mixed"]) == 0
    text = out.read_text()
    assert text.count("# jaxbragg, mixed, panel 0") == 2
    assert "TRACE_JAX: pixel 3 4\n" in text
    assert "TRACE_JAX: pixel 5 6\n" in text


def test_json(capsys):
    assert main(["trace", "-trace_pixel", "3", "4", "--json", *STILL]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert PixelTrace.from_json(record).fast == 4


def test_compat_writes_the_angles_asked_for(capsys):
    """The orientation of φ = 0 is that of the last step, its angle is still 0, as in the C program's trace."""
    spindle = ["-phi", "0", "-osc", "1", "-phisteps", "4"]
    assert main(["trace", "--compat", "-trace_pixel", "3", "4", *STILL, *spindle]) == 0
    steps = PixelTrace.from_text(capsys.readouterr().out).steps
    assert [step.phi_deg for step in steps] == [0, 0.25, 0.5, 0.75]
    assert steps[0].h_frac == steps[3].h_frac


def test_help(capsys):
    assert main(["trace", "--help"]) == 0
    assert "-trace_pixel SLOW FAST" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "which pixel? -trace_pixel takes"),
        (["-trace_pixel"], "-trace_pixel takes pairs of whole numbers (slow, fast), but got '-cell'"),
        (["-trace_pixel", "3"], "but got 3"),
        (["-trace_pixel", "16", "3"], "Pixel slow 16, fast 3 is not on the detector"),
        (["-trace_pixel", "3", "4", "-roi", "0", "2", "0", "2"], "outside the region of interest"),
        (["-trace_pixel", "3", "4", "-detpixel", "3"], "did you mean -detpixels"),
    ],
)
def test_mistakes(capsys, words, says):
    assert main(["trace", *words, *STILL]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""


def test_a_file_that_cannot_be_written(capsys, tmp_path):
    assert main(["trace", "-trace_pixel", "3", "4", *STILL, "-o", str(tmp_path / "none" / "x.log")]) == 1
    assert "none" in capsys.readouterr().err
