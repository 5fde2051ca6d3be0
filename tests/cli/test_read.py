"""`read_experiment`: flags in, models out, for those who stay in Python."""

import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import read_setup
from jaxbragg.cli.scanner import scan
from jaxbragg.io import FileError

FLAGS = "-cell 40 50 60 75 85 95 -misset 1 2 3 -default_F 100 -N 5 -detpixels 16 -pixel 1 -lambda 1.25"


def test_it_is_the_experiment_made_by_hand():
    experiment, options = jb.read_experiment(FLAGS.split())
    by_hand = jb.Experiment(
        beam=jb.Beam(1.25),
        crystal=jb.Crystal((40, 50, 60, 75, 85, 95), misset=(1, 2, 3), cells=5),
        detector=jb.FlatPanel((16, 16), 1e-3, (0.1, 0.009, -0.009), (0, 0, 1), (0, -1, 0)),
        structure_factors=jb.StructureFactors(default=100),
    )
    assert options == jb.Options(oversample=8)
    found, wanted = (np.asarray(jb.simulate(e, options)) for e in (experiment, by_hand))
    assert found.max() > 0
    assert np.abs(found - wanted).max() <= 1e-6 * wanted.max()


def test_nothing_is_printed_or_written(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jb.read_experiment([*FLAGS.split(), "-floatfile", "a.bin", "-fudge", "2"])
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_what_it_raises():
    with pytest.raises(UsageError, match="did you mean -detpixels"):
        jb.read_experiment(["-detpixel", "3"])
    with pytest.raises(FileError, match=r"none\.hkl: no such file"):
        jb.read_experiment([*FLAGS.split(), "-hkl", "none.hkl"])


def test_compat_is_part_of_what_it_gives():
    experiment, options = jb.read_experiment([*FLAGS.split(), "--compat", "-osc", "1", "-phisteps", "2"])
    assert options.corrections == "first"
    assert np.asarray(experiment.scan.angles).tolist() == [0.5, 0.5]


def test_the_log_keeps_the_scanners_warnings_first():
    notes = read_setup(scan([*FLAGS.split(), "-N", "6", "-fudge", "2"])).notes
    assert notes.warnings == ["-N 6 replaces the earlier -N 5", "-fudge has no effect on square spots"]


def test_a_line_is_said_once():
    notes = read_setup(scan([*FLAGS.split(), "-spindle_axis", "0", "0", "1"])).notes
    assert len(notes.said) == len(set(notes.said)) == 1


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (ValueError("a slip"), "jaxbragg.cli.read._options"),
        (UnicodeEncodeError("latin-1", "…", 0, 1, "ordinal not in range"), "jaxbragg.cli.read._spindle"),
        (ValueError("a slip in a reader"), "jaxbragg.cli.build.factors.read_hkl"),
    ],
)
def test_a_slip_of_the_program_is_not_put_down_to_its_user(tmp_path, monkeypatch, error, place):
    def slip(*arguments, **keywords):
        raise error

    (tmp_path / "a.hkl").write_text("0 0 1 5\n")
    monkeypatch.setattr(place, slip)
    with pytest.raises(type(error)) as raised:
        read_setup(scan([*FLAGS.split(), "-hkl", str(tmp_path / "a.hkl")]))
    assert raised.value is error


def test_what_a_model_refuses_is_a_matter_of_the_flags():
    with pytest.raises(UsageError, match="no experiment is like this: Argument `slow_axis` must not be along the beam"):
        read_setup(scan([*FLAGS.split(), "-curved_det", "-xds", "-twotheta", "90"]))
