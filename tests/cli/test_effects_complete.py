"""No flag is read and forgotten: each is in the list of effects of a test file here, or tested where it is used."""

from pathlib import Path

import pytest
from effects import cases_of, flags_of, setup

from jaxbragg.cli.flag_table import FLAGS

# What is written and printed, rather than what is drawn: tested with the commands that do it.
OUTPUT = {
    *("floatfile", "intfile", "pgmfile", "noisefile", "png", "nonoise", "nopgm", "scale", "pgmscale", "adc", "seed"),
    *(
        "output",
        "counts",
        "images",
        "sidecar",
        "smv-dialect",
        "truth",
        "resume",
        "saturation",
        "printout",
        "printout_pixel",
        "progress",
        "noprogress",
        "quiet",
        "help",
        "device",
    ),
}
# Writes a file, which is then read again: a test of its own in test_effects_crystal.py.
BESIDE = {"dump"}
TESTED = {
    flag
    for path in sorted(Path(__file__).parent.glob("test_effects_*.py"))
    if path.name != Path(__file__).name
    for flag in flags_of(cases_of(path))
}
IDLE = [flag for flag in FLAGS if flag.no_effect]


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_every_flag_has_an_effect_that_is_tested_or_says_that_it_has_none(flag) -> None:
    places = [flag.name in TESTED, flag.name in OUTPUT, flag.name in BESIDE, flag.no_effect]
    assert sum(places) == 1


def test_no_list_names_a_flag_that_is_none() -> None:
    assert {flag.name for flag in FLAGS} >= TESTED | OUTPUT | BESIDE


@pytest.mark.parametrize("flag", IDLE, ids=lambda flag: flag.name)
def test_a_flag_without_effect_says_so(flag) -> None:
    values = " 1" * flag.most
    assert setup(flag.word + values).notes.warnings == [f"{flag.word} has no effect (as in the C program)"]
