from benchmarks.cases import CASES, Case
from benchmarks.child import measure_in_child
from benchmarks.peak import Peak


def test_a_process_of_its_own_tells_its_memory_and_its_error():
    case = CASES["memory-10"]
    assert isinstance(case, Case)
    found = measure_in_child(case.shrunk(), "forward", "mixed", 1, Peak(1e11, 5e10, 1), quick=True)
    assert (found.case, found.steps) == ("memory-10", case.shrunk().steps)
    assert found.peak_rss is not None
    assert found.rss_before is not None
    assert found.peak_rss >= found.rss_before > 50e6
    assert found.error is not None
    assert 0 < found.error < 5e-6
