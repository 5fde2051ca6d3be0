from dataclasses import replace

from benchmarks.record import Fit, Record
from benchmarks.table import HEADER, fit_line, list_cases, row

RUNS = {"median": 0.0123, "least": 0.0, "most": 1.0}
RECORD = Record("yardstick", "yardstick", "512²", "forward", "mixed", 100, 10, RUNS, ns_per_step=1.35, error=4e-7,
                ratio_to_textbook=20.0, share_of_peak=0.5, temp_bytes=3_000_000)  # fmt: skip


def test_a_row_says_what_was_measured():
    assert row(RECORD).split() == [
        *("yardstick", "forward", "mixed", "1.35", "4.0e-07", "20.0", "50.0", "%", "0.0123", "–", "3.0", "–"),
    ]


def test_columns_stand_below_their_heads():
    for record in (RECORD, replace(RECORD, ns_per_step=None, error=None, share_of_peak=None, temp_bytes=None)):
        assert len(row(record)) == len(HEADER)


def test_a_fit_in_words():
    assert fit_line(Fit("domains", "mixed", 1.25, 0.002, 0.04)) == (
        "domains, mixed: 1.250 ns for each step and 2.0 ms besides; no time is further than 4 % from that line"
    )


def test_the_list_names_every_group():
    lines = list(list_cases())
    assert "yardstick:" in lines
    assert any("jungfrau-16m" in line for line in lines)
