import json

import pytest

from jaxbragg.cli import main


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--cases", "yardstik"], 2, "did you mean yardstick?"),
        (["--nanobragg", "/no/such/binary"], 2, "--nanobragg /no/such/binary: no such program"),
        (["--out", "/no/such/folder/x.json"], 1, "/no/such/folder"),
        (["--repeats", "0"], 2, "expected a positive whole number"),
        (["--modes", "sideways"], 2, "sideways"),
        (["--implementation", "mixed"], 2, "did you mean --implementations?"),
    ],
)
def test_bad_words_are_one_line(capsys, words, status, said):
    assert main(["benchmark", *words]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1


def test_help_has_an_example(capsys):
    assert main(["benchmark", "--help"]) == 0
    assert "jaxbragg benchmark --cases yardstick" in capsys.readouterr().out


def test_the_list_is_that_of_the_cases(capsys):
    assert main(["benchmark", "--list"]) == 0
    assert "  pilatus-6m  " in capsys.readouterr().out


def test_a_quick_run_writes_what_it_prints(capsys, tmp_path):
    out = tmp_path / "report.json"
    words = ["--quick", "--cases", "no-table", "--implementations", "mixed", "--repeats", "1", "--modes", "call"]
    assert main(["benchmark", *words, "--out", str(out)]) == 0
    (record,) = json.loads(out.read_text(encoding="utf-8"))["records"]
    assert (record["case"], record["mode"], record["implementation"]) == ("no-table", "call", "mixed")
    assert 0 < record["error"] < 5e-6
    assert f"{record['ns_per_step']:.4g}" in capsys.readouterr().out


def test_nothing_measured_is_a_failure(capsys):
    assert main(["benchmark", "--quick", "--cases", "tophat", "--modes", "reverse"]) == 3
    assert "nothing could be measured" in capsys.readouterr().err
