"""What is announced before an image: steps by counting, a duration by a measured rate, a question where it is long."""

import io
import sys
from importlib import import_module
from types import SimpleNamespace

import jax
import pytest

from jaxbragg.cli import cost, main
from jaxbragg.cli.read import read_setup
from jaxbragg.cli.scanner import scan
from jaxbragg.pipeline.settings import make_settings

SMALL = "-cell 40 40 55 90 90 90 -default_F 100 -N 5 -detpixels 16 -pixel 1 -oversample 1"
HUGE = "-cell 40 40 55 90 90 90 -default_F 100 -N 5 -detpixels 4000 -oversample 500"


def setup(words: str):
    s = read_setup(scan(words.split()))
    return jax.device_get(s.experiment), s.options


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ("", 256),
        ("-oversample 3", 256 * 9),
        ("-roi 2 5 7 9", 12),
        ("-detector_thick 300 -detector_abs 400 -thicksteps 3", 256 * 3),
        ("-divergence 2 -divsteps 3 -dispersion 2", 256 * 5 * 2),
        ("-mosaic 1 -mosaic_domains 7 -osc 1 -phisteps 4", 256 * 28),
        ("-curved_det -oversample 2 -osc 1 -phisteps 2 -dispersion 1 -dispsteps 3", 256 * 4 * 2 * 3),
    ],
)
def test_steps_are_counted(words: str, steps: int) -> None:
    assert cost.cost_of(*setup(f"{SMALL} {words}")).steps == steps


def test_twice_the_cores_take_half_the_time_and_float64_takes_longer() -> None:
    still = setup(SMALL)
    assert cost.cost_of(*still, cores=2).seconds == pytest.approx(2 * cost.cost_of(*still, cores=4).seconds)
    slower = [cost.cost_of(*setup(f"{SMALL} {words}")).seconds for words in ("", "--precision float64")]
    assert slower[1] > 10 * slower[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "less than a second"),
        (1.26, "about 1.3 s"),
        (90, "about 90 s"),
        (200, "about 3.3 min"),
        (4000, "about 67 min"),
        (40000, "about 11 h"),
        (13 * 86400, "about 13 days"),
        (5 * 365.25 * 86400, "about 5 years"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert cost.duration(seconds) == text


def test_blocks_are_short_where_a_pixel_is_long() -> None:
    still = setup(SMALL)
    assert cost.in_short_blocks(*still, cost.cost_of(*still)) == still[1]
    experiment, options = setup(HUGE)
    counted = cost.cost_of(experiment, options, cores=1)
    short = cost.in_short_blocks(experiment, options, counted)
    plan = make_settings(experiment, short).plan
    assert 1 < counted.seconds / plan.blocks <= 5.1
    assert make_settings(experiment, options).plan.blocks < plan.blocks


def test_the_rate_is_that_of_a_sample(monkeypatch) -> None:
    """A machine of 0.1 ns a step: the first sample is too short for it, the second is not."""
    samples, clock = [], [0.0]

    def simulate(experiment, options):
        taken = cost.cost_of(experiment, options)
        samples.append(options)
        clock[0] += taken.steps * 1e-10
        return SimpleNamespace(block_until_ready=lambda: None)

    monkeypatch.setattr(import_module("jaxbragg.simulate"), "simulate", simulate)
    monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])
    experiment, options = setup(HUGE)
    counted = cost.cost_of(experiment, options, cores=1)
    found = cost.measured(experiment, options, counted)
    assert found.steps == counted.steps
    assert found.seconds == pytest.approx(found.steps * 1e-10)
    assert len(samples) == 4  # each once to compile and once to measure
    left, right, top, bottom = samples[-1].roi
    assert left % 4 == top % 4 == 0
    assert abs(left + right - 3999) < 8
    assert abs(top + bottom - 3999) < 8


def test_what_is_short_is_not_measured(monkeypatch) -> None:
    monkeypatch.setattr(import_module("jaxbragg.simulate"), "simulate", None)
    still = setup(SMALL)
    counted = cost.cost_of(*still)
    assert cost.measured(*still, counted) == counted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "terminal", "seconds", "starts", "asks"),
    [
        ("y\n", True, 4000, True, True),
        ("Yes\n", True, 4000, True, True),
        ("n\n", True, 4000, False, True),
        ("\n", True, 4000, False, True),
        ("", True, 4000, False, True),
        ("", True, 3500, True, False),
        ("", False, 4000, True, False),
    ],
)
def test_who_is_asked(monkeypatch, answer: str, terminal: bool, seconds: float, starts: bool, asks: bool) -> None:
    kind = Terminal if terminal else io.StringIO
    monkeypatch.setattr(sys, "stdin", kind(answer))
    monkeypatch.setattr(sys, "stderr", kind())
    assert cost.may_start(cost.Cost(1000, 1000, seconds * 1e3)) is starts
    said = sys.stderr.getvalue()
    assert (said == "This image takes 1e+06 steps, about 67 min. Simulate it? [y/N] ") is asks
    assert bool(said) is asks


def test_the_cost_is_announced_before_the_image(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(f"{SMALL} -floatfile a.bin".split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.index("  cost        256 steps, less than a second") < lines.index("image")


def test_no_is_no(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost, "may_start", lambda cost: False)
    assert main(f"{SMALL} -floatfile a.bin".split()) == 1
    assert capsys.readouterr().err.endswith("jaxbragg: not simulated; nothing is written\n")
    assert list(tmp_path.iterdir()) == []
