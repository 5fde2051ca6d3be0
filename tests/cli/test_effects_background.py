"""What the flags of backgrounds and absorption stand for, and what contradicts them."""

import numpy as np
import pytest
from effects import Effect, check, setup

import jaxbragg as jb
from jaxbragg.cli.errors import UsageError


def background(kind, name, number=0):
    """A number of one of the backgrounds of a kind."""

    def get(s):
        found = [each for each in s.experiment.backgrounds if isinstance(each, kind)]
        return float(np.asarray(getattr(found[number], name)).max()) if len(found) > number else None

    return get


def absorber(kind, name):
    def get(s):
        found = [each for each in s.experiment.absorbers if isinstance(each, kind)]
        return float(getattr(found[0], name)) if found else None

    return get


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.hkl").write_text("1 2 3 10\n")


WIDE = "-beamsize 0.05"
CASES = (
    Effect("--liquid 20", background(jb.AmorphousBackground, "molecules"),
           float(jb.AmorphousBackground.slab(2e-5, 5e-5).molecules), WIDE),
    Effect("--air 30", background(jb.AmorphousBackground, "molecules"),
           float(jb.AmorphousBackground.gas(0.03, 5e-5).molecules), WIDE),
    Effect("--helium 30", background(jb.AmorphousBackground, "molecules"),
           float(jb.AmorphousBackground.gas(0.03, 5e-5, {"He": 1.0}).molecules), WIDE),
    Effect("--ice 5", background(jb.PowderRings, "cells"), float(jb.PowderRings.ice(5e-6 * 25e-10).cells), WIDE),
    Effect("--ice-size 5", background(jb.PowderRings, "width"), float(jb.PowderRings.ice(1.0, 5e-9).width), "--ice 5"),
    Effect("--compton", lambda s: len(s.experiment.backgrounds), 4, "--liquid 5 --air 10"),
    Effect("--air-absorption 20", absorber(jb.AirPath, "start"), 0.02),
    Effect("--beam-stop 0.5 30", absorber(jb.BeamStop, "radius"), 5e-4),
    Effect("--diffuse 0.3 8", background(jb.LiquidLikeMotions, "gamma"), 8.0, given="-cell 50 -hkl list.hkl"),
    Effect("--powder 64", lambda s: s.experiment.crystal.mosaic.rotations().shape[0], 64),
)  # fmt: skip


@pytest.mark.parametrize("effect", CASES, ids=range(len(CASES)))
def test_the_flag_changes_what_it_says(effect) -> None:
    check(effect)


def test_all_of_them_are_added() -> None:
    found = setup("-water 10 --liquid 5 --air 10 --ice 1 --compton --beam-stop 1 20 --air-absorption 0").experiment
    assert [type(each).__name__ for each in found.backgrounds] == ["AmorphousBackground"] * 5 + ["PowderRings"]
    assert [type(each).__name__ for each in found.absorbers] == ["AirPath", "BeamStop"]


def test_the_beams_size_is_used_and_said() -> None:
    notes = setup("--air 10 -beamsize 0.05").notes
    assert not any("beamsize" in line for line in notes.warnings)
    assert any("--air: in a beam of 0.05 mm (-beamsize)" in line for line in notes.said)
    assert any("-beamsize without -flux" in line for line in setup("-beamsize 0.05").notes.warnings)


def test_a_cap_of_all_directions_is_said_to_be_uneven() -> None:
    assert any("--powder has them so" in line for line in setup("-mosaic 180 -mosaic_domains 5").notes.warnings)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--diffuse 0.3 8", "--diffuse needs a table"),
        ("--diffuse 0.3", "--diffuse"),
        ("--ice-size 10", "--ice-size needs --ice"),
        ("--compton", "--compton needs --liquid"),
        ("--air 10 --compat", "--air: the C program has water alone"),
        ("--beam-stop 1 20 --compat", "the C program knows of none"),
        ("--beam-stop 1", "--beam-stop"),
        ("--liquid 0", "--liquid takes a number above 0"),
        ("--air-absorption -1", "--air-absorption"),
        ("--powder 10 -mosaic 1", "-mosaic contradicts --powder"),
        ("--powder 0", "--powder"),
        ("--powder 10 --compat", "--powder: the C program turns crystals within a cap"),
        ("--bfactor 20", "--bfactor needs -hkl, --mtz or --model"),
    ],
)
def test_what_cannot_be_is_named(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        setup(words)
