import json
from dataclasses import replace

import pytest

from benchmarks.peak import Peak
from benchmarks.record import Fit, Record, new_report, read_report, write_report
from jaxbragg.io.errors import FileError

RUNS = {"median": 2.0, "least": 1.0, "most": 3.0}
RECORD = Record("yardstick", "yardstick", "512²", "forward", "mixed", 100, 10, RUNS, ns_per_step=2e7,
                error=1e-7, slots_per_step={"single": 1.0, "double": 0.0, "lookups": 1.0})  # fmt: skip


def test_a_report_comes_back_as_it_went(tmp_path):
    report = new_report(5, False, Peak(1e9, 5e8, 2))
    report = replace(report, records=[RECORD], fits=[Fit("domains", "mixed", 1.0, 2.0, 0.1)], left_out=["x: why"])
    write_report(tmp_path / "report.json", report)
    assert read_report(tmp_path / "report.json") == report
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert {"commit", "versions", "device", "machine", "date", "xla_flags", "peak", "records"} <= found.keys()
    assert found["versions"]["jax"]
    assert found["records"][0]["run_s"]["median"] == 2.0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"records": 3}'])
def test_a_file_that_is_no_report_is_named(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(FileError, match=r"bad\.json"):
        read_report(path)
