import numpy as np
import pytest

from benchmarks import peak
from benchmarks.operations import Slots


def test_share_is_the_time_at_the_peak_over_the_time_taken():
    # 3 G slots at 10 G/s and 1 G at 5 G/s are half a second.
    assert peak.Peak(10e9, 5e9, 2).share(Slots(3e9, 1e9, 7e9), 2.0) == pytest.approx(0.25)


def test_the_chain_does_all_its_links():
    # x ← a x + b, n times: aⁿ x + b (1 − aⁿ)/(1 − a)
    found = peak._chain(np.float32(2.0), np.float32(0.5), np.float32(1.0), links=3, passes=4)
    assert float(found) == pytest.approx(2.0)
    found = peak._chain(np.float32(3.0), np.float32(0.5), np.float32(1.0), links=3, passes=4)
    assert float(found) == pytest.approx(2.0 + 0.5**12, rel=1e-6)
