"""The command `python -m benchmarks`."""

import json

import pytest

from benchmarks.__main__ import main


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--cases", "yardstik"], "did you mean yardstick?"),
        (["--nanobragg", "/no/such/binary"], "--nanobragg /no/such/binary: no such program"),
        (["--repeats", "0"], "expected a positive whole number"),
        (["--modes", "sideways"], "sideways"),
        (["--implementation", "mixed"], "unrecognized arguments"),
    ],
)
def test_a_wrong_command_line_is_named(capsys, argv, said):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err


def test_a_record_that_cannot_be_written_is_found_out_before_the_work(capsys):
    assert main(["--cases", "no-table", "--out", "/no/such/folder/x.json"]) == 1
    shown = capsys.readouterr()
    assert "/no/such/folder" in shown.err
    assert shown.out == ""


def test_the_list_is_that_of_the_cases(capsys):
    assert main(["--list"]) == 0
    assert "  pilatus-6m  " in capsys.readouterr().out


def test_a_quick_run_writes_what_it_prints(capsys, tmp_path):
    out = tmp_path / "report.json"
    argv = ["--quick", "--cases", "no-table", "--implementations", "mixed", "--repeats", "1", "--modes", "call"]
    assert main([*argv, "--out", str(out)]) == 0
    (record,) = json.loads(out.read_text(encoding="utf-8"))["records"]
    assert (record["case"], record["mode"], record["implementation"]) == ("no-table", "call", "mixed")
    assert 0 < record["error"] < 5e-6
    assert f"{record['ns_per_step']:.4g}" in capsys.readouterr().out


def test_nothing_measured_is_a_failure(capsys):
    assert main(["--quick", "--cases", "tophat", "--modes", "reverse"]) == 3
    assert "nothing could be measured" in capsys.readouterr().err
