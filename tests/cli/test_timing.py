from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jaxbragg.cli import timing


def test_a_call_is_made_once_more_than_it_is_timed():
    calls = []
    runs, output = timing.time_calls(lambda: calls.append(0) or jnp.full(3, len(calls)), 4)
    assert (len(calls), len(runs)) == (5, 4)
    np.testing.assert_array_equal(output, 5)  # what the last one returned


def test_a_program_keeps_its_result_and_its_64_bits():
    found = timing.time_program(lambda x: 2.0 * x + 1.0, np.arange(8.0), 3)
    np.testing.assert_array_equal(found.output, 2.0 * np.arange(8.0) + 1.0)
    assert found.output.dtype == np.float64
    assert len(found.runs) == 3
    assert found.temp_bytes is not None


@pytest.mark.parametrize(("runs", "middle"), [([3.0, 1.0, 9.0], 3.0), ([1.0, 2.0], 1.5)])
def test_the_spread_is_median_least_and_most(runs, middle):
    assert timing.spread(runs) == {"median": middle, "least": min(runs), "most": max(runs)}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the bounds are read there")
def test_the_peak_of_memory_lies_between_what_is_held_now_and_what_the_system_counted():
    import resource

    status = Path("/proc/self/status").read_text(encoding="ascii")
    now = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    peak = timing.peak_memory()
    assert peak is not None
    # The system counts in batches: a few MB either way.
    assert 0.95 * now <= peak <= 1.05 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
