"""Several devices draw the image that one draws: eight virtual CPU devices in a process of their own."""

import json
from pathlib import Path

import jax
import pytest
from devices import with_devices

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.pipeline.devices import check_devices

HERE = Path(__file__).parents[1]
QUICK = ("mixed", "skipping")
SLOW = ("panels", "float64, masked", "blocks that do not come out even", "region", "fewer tiles than devices")


@pytest.fixture(scope="module")
def found() -> dict:
    """What `eight_devices` says."""
    return json.loads(with_devices(8, str(HERE / "eight_devices.py")))


@pytest.fixture(scope="module")
def also_found() -> dict:
    """What it says when there is time."""
    return json.loads(with_devices(8, str(HERE / "eight_devices.py"), "slow"))


def test_eight_devices_give_the_image_of_one(found):
    assert set(found["images"]) == set(QUICK)
    assert max(found["images"].values()) < 1e-6, found


@pytest.mark.slow
def test_so_they_do_however_it_is_shared_out(also_found):
    assert set(also_found["images"]) == set(SLOW)
    assert max(also_found["images"].values()) < 1e-6, also_found
    assert also_found["three"] < 1e-6
    assert max(also_found["spots"].values()) < 1e-12, also_found["spots"]


def test_all_devices_take_part(found):
    assert found["used"] == found["blocks"] == 8


@pytest.mark.slow
def test_the_image_in_steps_is_the_same_and_its_progress_reaches_one(also_found):
    found = also_found
    assert found["steps"] < 1e-6
    assert found["seen"] == sorted(found["seen"])
    assert found["seen"][-1] == 1.0
    assert len(found["seen"]) > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cell", "origin", "forward mode", "vmap"])
def test_derivatives_and_batches_are_those_of_one_device(also_found, name):
    # Sums over the image are taken in another order.
    assert also_found["derivatives"][name] < 1e-12


def test_more_devices_than_there_are_are_refused(found):
    assert found["refusal"] == ("Option `devices` must be at most 8, the cpu devices that JAX finds here, but is 9.")
    here = len(jax.devices())
    with pytest.raises(ValueError, match=f"Option `devices` must be at most {here}, .* but is {here + 1}"):
        check_devices(here + 1)


def test_devices_of_the_platform_that_is_used_are_counted():
    check_devices(None)
    for device in ("cpu", jax.devices("cpu")[0]):
        with jax.default_device(device), pytest.raises(ValueError, match="the cpu devices"):
            check_devices(10**6)


def test_one_device_is_none():
    assert (jb.simulate(_small(), jb.Options(devices=1)) == jb.simulate(_small())).all()


def _small() -> jb.Experiment:
    panel = jb.FlatPanel((8, 8), 1e-3, (0.1, 4e-3, -4e-3), (0, 0, 1), (0, -1, 0))
    factors = jb.StructureFactors(default=10)
    return jb.Experiment(beam=jb.Beam(), crystal=jb.Crystal((40,) * 3 + (90,) * 3), detector=panel,
                         structure_factors=factors)  # fmt: skip


MAIN = "import sys; from jaxbragg.cli import main; sys.exit(main(sys.argv[1:]))"
WORDS = [
    *("-cell", "50", "60", "70", "90", "90", "90", "-default_F", "100", "-N", "5"),
    *("-detpixels", "40", "-pixel", "1", "-oversample", "1", "-noprogress"),
]


def test_the_flag_draws_the_same_image_on_eight_devices(tmp_path):
    files = [tmp_path / "one.bin", tmp_path / "eight.bin"]
    assert main([*WORDS, "-floatfile", str(files[0]), "--quiet"]) == 0
    said = with_devices(8, "-c", MAIN, *WORDS, "-floatfile", str(files[1]), "--devices", "8")
    assert "mixed on 8 × cpu" in said
    assert files[0].read_bytes() == files[1].read_bytes()


def test_more_devices_than_there_are_are_a_usage_error(capsys):
    assert main([*WORDS, "--devices", "1000"]) == 2
    here = len(jax.devices())
    assert f"--devices 1000: JAX finds only {here} here ({jax.devices()[0].platform})" in capsys.readouterr().err
