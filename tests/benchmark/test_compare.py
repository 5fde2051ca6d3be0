from dataclasses import replace

from benchmarks import compare
from benchmarks.record import Record, new_report

RECORD = Record("pixels-128", "pixels", "128²", "forward", "mixed", 100, 16384, {"median": 0.5, "least": 0, "most": 1},
                ns_per_step=1.234, error=4e-7, share_of_peak=0.42, temp_bytes=2_000_000)  # fmt: skip


def report(*records):
    return replace(new_report(5, False, None), records=list(records))


def test_a_row_of_the_table():
    text = compare.markdown([report(RECORD)])
    assert "| pixels-128: 128² | forward | mixed | 1.23 | 4.0e-07 | – | 42 % | 0.5 | 2 MB beside the image |" in text
    assert "pixels-128" not in compare.markdown([report(RECORD)], ["domains"])


def test_the_plot_has_a_line_for_each_implementation(tmp_path):
    larger = replace(RECORD, case="pixels-256", pixels=65536, ns_per_step=1.0)
    made = report(larger, RECORD, replace(RECORD, implementation="textbook"), replace(RECORD, group="domains"))
    assert compare.lines_of([made]) == {
        "mixed, pixels": [(16384, 1.234), (65536, 1.0)],
        "textbook, pixels": [(16384, 1.234)],
    }
    assert compare.plot([made], tmp_path / "plot.png") == 2
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
