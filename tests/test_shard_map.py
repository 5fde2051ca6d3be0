"""Experiments shared out over devices by `jax.shard_map` are those computed on one."""

import json
from pathlib import Path

import pytest
from devices import with_devices

NAMES = (
    *("mixed", "float64", "float32", "backgrounds and a region", "panels", "blocks", "tricubic, a sensor"),
    *("square", "round", "tophat", "gauss", "together"),
    *("gradient inside, mixed", "gradient outside, mixed", "gradient inside, gauss", "gradient outside, gauss"),
)


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    return json.loads(with_devices(2, str(Path(__file__).parent / "shard_map.py")))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_that_of_one_device(found, name):
    assert found[name] < (1e-4 if "gradient" in name else 1e-5 if name == "float32" else 1e-6)


def test_no_case_is_forgotten(found):
    assert set(found) == set(NAMES)
