import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Measured, time_calls, time_program


def test_results_are_numpy_arrays():
    runs, output = time_calls(lambda: jnp.ones(3), 2)
    assert len(runs) == 2
    assert isinstance(output, np.ndarray)


def test_a_program_is_timed_counted_and_keeps_its_result():
    found = time_program(lambda x: 2.0 * x + 1.0, np.arange(8.0), 3)
    np.testing.assert_array_equal(found.output, 2.0 * np.arange(8.0) + 1.0)
    assert found.output.dtype == np.float64
    assert found.slots is not None
    assert found.slots.double == 8
    assert len(found.runs) == 3
    assert found.temp_bytes is not None


def test_the_middle_run_counts():
    assert Measured([3.0, 1.0, 9.0]).run_s == 3.0
    assert Measured([1.0, 2.0]).run_s == 1.5
