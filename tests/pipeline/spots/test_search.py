import jax.numpy as jnp
import numpy as np
import pytest

from jaxbragg.pipeline.spots import search


@pytest.mark.parametrize("passes", ["scan", "scan_unrolled"])
def test_entries_hold_as_many_numbers_as_they_say(passes):
    counts = np.array([0, 3, 0, 0, 2, 1, 0])
    wanted = [*np.repeat(np.arange(7), counts), 7, 7]
    ends, number = jnp.cumsum(jnp.asarray(counts, jnp.int32)), jnp.arange(8, dtype=jnp.int32)
    for found in (search._search(passes, ends, number), search.entry_of(ends, number)):
        assert found.dtype == jnp.int32
        np.testing.assert_array_equal(found, wanted)
