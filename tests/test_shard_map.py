"""Experiments shared out over devices by `jax.shard_map` are those computed on one."""

import json
from pathlib import Path

import pytest
from devices import with_devices

QUICK = ("mixed", "gradient inside, mixed")
SLOW = (
    *("float64", "float32", "backgrounds and a region", "panels", "blocks", "tricubic, a sensor"),
    *("square", "round", "tophat", "gauss", "together"),
    *("gradient outside, mixed", "gradient inside, gauss", "gradient outside, gauss"),
)


def differences(*names: str) -> dict[str, float]:
    return json.loads(with_devices(2, str(Path(__file__).parent / "shard_map.py"), *names))


def bound(name: str) -> float:
    return 1e-4 if "gradient" in name else 1e-5 if name == "float32" else 1e-6


@pytest.mark.slow
def test_they_are_those_of_one_device():
    found = differences(*QUICK)
    assert set(found) == set(QUICK)
    assert all(found[name] < bound(name) for name in QUICK), found


@pytest.mark.slow
def test_so_are_those_of_other_kinds():
    found = differences(*SLOW)
    assert set(found) == set(SLOW)
    assert all(found[name] < bound(name) for name in SLOW), found
