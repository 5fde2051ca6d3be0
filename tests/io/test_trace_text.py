"""Traces as text: the C program's, jaxbragg's and nanobrag_torch's, whole and cut off."""

import pytest
from trace_files import as_text, recorded

from jaxbragg.io.errors import FileError
from jaxbragg.io.trace_text import read_traces

SHORT = """\
TRACE_C: fdet_vec 0 0 1
TRACE_C_PHI phi_tic=0 h_frac=1.5 F_latt=-2
TRACE_C: I_pixel_final 7
"""


def read(tmp_path, text):
    path = tmp_path / "trace.log"
    path.write_text(text, newline="")
    return read_traces(path)


@pytest.mark.parametrize("variant", ["c", "fixed"])
def test_reads_what_the_c_program_says(tmp_path, variant):
    record = recorded("pilatus_vectors", variant)[0]
    (trace,) = read(tmp_path, as_text(record))
    assert trace.program == "C"
    assert trace.pixel is None
    assert list(trace.factors) == list(record["factors"])
    for key, value in record["factors"].items():
        assert trace.factors[key] == tuple(value if isinstance(value, list) else [value])
    assert list(trace.steps) == record["steps"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_passes_over_other_output(tmp_path, end):
    text = "nanoBragg simulator\n TRACE of nothing\nTRACE_PY_ROTSTAR a b\n" + SHORT + "max_I = 3\n"
    (trace,) = read(tmp_path, text.replace("\n", end))
    assert trace.factors == {"fdet_vec": (0.0, 0.0, 1.0), "I_pixel_final": (7.0,)}
    assert trace.steps == ({"phi_tic": 0.0, "h_frac": 1.5, "F_latt": -2.0},)


def test_a_last_line_without_its_end_may_have_lost_an_exponent(tmp_path):
    with pytest.raises(FileError, match="cut off in line 2"):
        read(tmp_path, "TRACE_C: polar 1\nTRACE_C: I_pixel_final 2.4647073117176")


def test_a_key_that_comes_again_begins_the_next_pixel(tmp_path):
    records = recorded("pilatus_vectors", "c")
    assert len(records) == 2
    traces = read(tmp_path, "".join(map(as_text, records)))
    assert [list(trace.steps) for trace in traces] == [record["steps"] for record in records]
    assert [trace.factors["I_pixel_final"][0] for trace in traces] == [r["factors"]["I_pixel_final"] for r in records]


def test_a_pixel_line_begins_the_next_pixel(tmp_path):
    first, second = read(
        tmp_path,
        "TRACE_JAX: device cuda:0\nTRACE_JAX: pixel 685 1039\nTRACE_JAX: F_latt 1\nTRACE_JAX: pixel 3 4\n"
        "TRACE_JAX_PHI phi_tic=0 F_latt=2\n",
    )
    assert (first.pixel, second.pixel) == ((685, 1039), (3, 4))
    assert (first.factors, first.steps) == ({"F_latt": (1.0,)}, ())
    assert (second.factors, second.steps) == ({}, ({"phi_tic": 0.0, "F_latt": 2.0},))
    assert first.labels == second.labels == {"device": "cuda:0"}


def test_steps_before_their_factors_stay_with_their_pixel(tmp_path):
    block = "TRACE_PY_PHI phi_tic=0 F_latt={0}\nTRACE_PY: I_pixel_final {0}\n"
    traces = read(tmp_path, block.format(1) + block.format(2))
    assert [(t.steps[0]["F_latt"], t.factors["I_pixel_final"]) for t in traces] == [(1.0, (1.0,)), (2.0, (2.0,))]


def test_two_programs_in_one_file(tmp_path):
    c, torch = read(tmp_path, "TRACE_C: F_latt 1\nTRACE_PY: F_latt 2\nTRACE_C: F_cell 3\nTRACE_PY: F_cell 4\n")
    assert (c.program, c.factors) == ("C", {"F_latt": (1.0,), "F_cell": (3.0,)})
    assert (torch.program, torch.factors) == ("PY", {"F_latt": (2.0,), "F_cell": (4.0,)})


def test_dialect_of_nanobrag_torch(tmp_path):
    (trace,) = read(
        tmp_path,
        "TRACE_PY: scattering_vec_A_inv -1556230686.0 3933478972.0 913944567.0\n"
        "TRACE_PY: I_before_scaling_pre_polar 943654.8\n"
        "TRACE_PY:rot_a_angstroms=1 2 3\n"
        "TRACE_PY: tricubic_interpolation_enabled False\n",
    )
    assert trace.factors["scattering_vec_A_inv"] == pytest.approx(
        (-0.1556230686, 0.3933478972, 0.0913944567), rel=1e-12
    )
    assert trace.factors["I_before_scaling"] == (943654.8,)
    assert trace.factors["rot_a_angstroms"] == (1.0, 2.0, 3.0)
    assert trace.labels == {"tricubic_interpolation_enabled": "False"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("TRACE_C: F_latt", "expected a key and its value, but found 'F_latt'"),
        ("TRACE_C:", "expected a key and its value, but found ''"),
        ("TRACE_C: F_latt abc", "expected one number after F_latt, but found 'abc'"),
        ("TRACE_C: F_latt 1 2", "expected one number after F_latt, but found '1 2'"),
        ("TRACE_C: fdet_vec 1 0", "expected three numbers after fdet_vec, but found '1 0'"),
        ("TRACE_C: fdet_vec 1 0 1_0", "expected three numbers after fdet_vec, but found '1 0 1_0'"),
        ("TRACE_C: pixel 3", "expected the slow and fast index of a pixel, but found '3'"),
        ("TRACE_C: pixel nan 3", "expected the slow and fast index of a pixel, but found 'nan 3'"),
        ("TRACE_C_PHI phi_tic=0 h_frac", "expected key=number, but found 'h_frac'"),
        ("TRACE_C_PHI phi_tic=0 h_frac=", "expected key=number, but found 'h_frac='"),
        ("TRACE_C_PHI phi_tic=0 =3", "expected key=number, but found '=3'"),
        ("TRACE_C_PHI", "expected key=number after TRACE_…_PHI, but found nothing"),
    ],
)
def test_broken_line(tmp_path, line, reason):
    with pytest.raises(FileError) as caught:
        read(tmp_path, f"TRACE_C: polar 1\n{line}\nTRACE_C: steps 3\n")
    assert (caught.value.line, caught.value.reason) == (2, reason)


@pytest.mark.parametrize(
    "end",
    [
        "TRACE_C: F_la",
        "TRACE_C:",
        "TRACE_C: F_latt -",
        "TRACE_C: F_latt 2.88e",
        "TRACE_C: F_latt 2.88e-",
        "TRACE_C: F_latt 2.88e-0",
        "TRACE_C: fdet_vec 1 0",
        "TRACE_C_PHI",
        "TRACE_C_PHI phi_tic=1 h_fr",
        "TRACE_C_PHI phi_tic=1 h_frac=",
        "TRACE_C_PHI phi_tic=1 h_frac=1.5",
        "TRACE_C_PHI phi_tic=1 h_frac=1.5 F_latt=1e-0",
    ],
)
def test_file_cut_off_in_its_last_line(tmp_path, end):
    before = "TRACE_C: polar 1\nTRACE_C_PHI phi_tic=0 h_frac=1.5 F_latt=-2\n"
    with pytest.raises(FileError, match=r"trace\.log: the file is cut off in line 3$"):
        read(tmp_path, before + end)


def test_cut_off_anywhere_it_is_read_or_refused(tmp_path):
    """Whatever is read of a cut-off file, its last number excepted, is what the whole file says."""
    text = as_text(recorded("triclinic_hkl", "c")[0])
    (whole,) = read(tmp_path, text)
    refused = 0
    for length in range(0, len(text), 3):
        try:
            (trace,) = read(tmp_path, text[:length])
        except FileError:
            refused += 1
            continue
        keys = list(trace.factors)
        assert all(trace.factors[key] == whole.factors[key] for key in keys[:-1])
        assert keys == list(whole.factors)[: len(keys)]
    assert refused > len(text) // 9  # every key, and all but the last number of a vector


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("\n", "but found none"),
        ("max_I = 3\nTRACE: F_latt 3\n", "expected lines that begin with TRACE_C:, TRACE_JAX: or TRACE_PY:"),
    ],
)
def test_no_trace(tmp_path, text, reason):
    with pytest.raises(FileError, match=reason):
        read(tmp_path, text)


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_traces(tmp_path / "none.log")
