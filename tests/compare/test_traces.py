"""Two traces compared: classes, order, missing parts, and the sentences about them."""

import copy
import math

import pytest
from trace_files import as_text, recorded

from jaxbragg.compare import Status, compare_traces, diagnose
from jaxbragg.compare.factors import FACTORS, STEP_FACTORS
from jaxbragg.io.trace_text import Trace, read_traces


def trace(program="C", steps=(), pixel=None, **factors):
    values = {key: value if isinstance(value, tuple) else (float(value),) for key, value in factors.items()}
    return Trace(program, values, tuple(steps), "a.log", pixel)


def read(tmp_path, record, program="C"):
    path = tmp_path / "trace.log"
    path.write_text(as_text(record, program))
    return read_traces(path)[0]


def changed(tmp_path, change, name="phi_from_ten"):
    """The comparison of a trace with itself after `change` was made to the record."""
    record = recorded(name, "fixed")[0]
    other = copy.deepcopy(record)
    change(other)
    return compare_traces(read(tmp_path, record), read(tmp_path, other))


def test_table_of_factors():
    assert len({factor.key for factor in FACTORS}) == len(FACTORS) == 28
    assert list(recorded("phi_from_ten", "c")[0]["factors"]) == [factor.key for factor in FACTORS]
    assert [factor.stage for factor in FACTORS] == sorted(factor.stage for factor in FACTORS)
    for factor in FACTORS + STEP_FACTORS:
        assert factor.description
        assert factor.points_to
        assert 0.0 < factor.zero < 1.0


@pytest.mark.parametrize("name", ["pilatus_vectors", "phi_from_ten", "thick_sensor", "dispersion", "mosaic_25"])
def test_a_trace_agrees_with_itself(tmp_path, name):
    one = read(tmp_path, recorded(name, "c")[0])
    found = compare_traces(one, one)
    assert found.agrees
    assert found.first_divergence is None
    assert {item.status for item in found.factors} == {step.status for step in found.steps} == {Status.PASS}
    assert diagnose(found)[0].startswith("No divergence: 28 factors and")


@pytest.mark.parametrize("pixel", [0, 1])
@pytest.mark.parametrize("name", ["pilatus_vectors", "phi_from_zero"])
def test_finds_the_kept_rotation_of_the_c_program(tmp_path, name, pixel):
    records = [recorded(name, variant)[pixel] for variant in ("c", "fixed")]
    c, fixed = (read(tmp_path, record) for record in records)
    found = compare_traces(c, fixed)
    assert found.first_divergence == "phi_tic=0"
    assert found.num_divergent_steps == 1
    assert found.first_step is not None
    worst = found.first_step.first_differing
    assert worst is not None
    steps = [record["steps"][0] for record in records]
    by_index = {key: abs(steps[1][key] - steps[0][key]) for key in ("h_frac", "k_frac", "l_frac")}
    assert worst.key == max(by_index, key=lambda key: by_index[key])
    assert worst.abs_delta == pytest.approx(by_index[worst.key])
    geometry = [item for item in found.factors if item.factor.stage == 0]
    assert {item.status for item in geometry} == {Status.PASS}
    sums = [record["factors"]["I_before_scaling"] for record in records]
    change = found.factor("I_before_scaling")
    assert change is not None
    assert change.change == pytest.approx(sums[1] / sums[0] - 1.0)
    said = "Program A (TRACE_C) keeps the rotation of its last step (phi_tic=9) at φ = 0, as the C program does"
    assert any(sentence.startswith(said) for sentence in diagnose(found))
    back = diagnose(compare_traces(fixed, c))
    assert any(sentence.startswith("Program B (TRACE_C) keeps") for sentence in back)


@pytest.mark.parametrize(
    ("a", "b", "status"),
    [
        (1.0, 1.0, Status.PASS),
        (1.0, 1.0 + 0.9e-6, Status.PASS),
        (1.0, 1.0 + 1.1e-6, Status.MINOR),
        (1.0, 1.0 + 0.99e-4, Status.MINOR),
        (1.0, 1.0 + 1.01e-4, Status.DIVERGENT),
        (1.0, 1.0099, Status.DIVERGENT),
        (1.0, 1.02, Status.CRITICAL),
        (1.0, -1.0, Status.CRITICAL),
        (0.0, 0.0, Status.PASS),
        (0.0, -0.0, Status.PASS),
        (0.0, 1e-13, Status.PASS),  # zero is zero
        (0.0, 1e-9, Status.CRITICAL),
        (1.0, math.nan, Status.CRITICAL),
        (math.nan, math.nan, Status.CRITICAL),
        (math.inf, math.inf, Status.PASS),
        (math.inf, -math.inf, Status.CRITICAL),
        (1.0, math.inf, Status.CRITICAL),
    ],
)
def test_classes(a, b, status):
    found = compare_traces(trace(polar=a), trace(polar=b))
    assert found.factors[0].status is status
    assert found.agrees == (status is Status.PASS)
    assert found.first_divergence == (None if found.agrees else "polar")
    assert diagnose(found)


def test_a_small_component_of_a_vector_raises_no_alarm():
    found = compare_traces(
        trace(pixel_pos_meters=(0.1, 0.2, 1e-9)),
        trace(pixel_pos_meters=(0.1, 0.2, 2e-9)),
    ).factors[0]
    assert found.status is Status.PASS
    assert found.deltas == pytest.approx((0.0, 0.0, 1e-9))
    assert found.rel_delta == pytest.approx(1e-9 / math.hypot(0.1, 0.2))


def test_the_tolerance_is_the_callers():
    a, b = trace(polar=1.0), trace(polar=1.001)
    assert not compare_traces(a, b).agrees
    assert compare_traces(a, b, tolerance=0.01).agrees
    with pytest.raises(ValueError, match="`tolerance`"):
        compare_traces(a, b, tolerance=-1.0)
    with pytest.raises(ValueError, match="`tolerance`"):
        compare_traces(a, b, tolerance=math.nan)


def test_the_order_is_that_of_computation():
    """Not that of the file: the wavelength comes before the steps, these before the sum."""
    steps = {"phi_tic": 0.0, "h_frac": 1.5}, {"phi_tic": 0.0, "h_frac": 1.6}
    a = trace(I_before_scaling=1, lambda_meters=1e-10, steps=[steps[0]])
    b = trace(I_before_scaling=2, lambda_meters=1e-10, steps=[steps[1]])
    assert compare_traces(a, b).first_divergence == "phi_tic=0"
    b = trace(I_before_scaling=2, lambda_meters=2e-10, steps=[steps[1]])
    assert compare_traces(a, b).first_divergence == "lambda_meters"
    b = trace(I_before_scaling=2, lambda_meters=1e-10, steps=[steps[0]])
    assert compare_traces(a, b).first_divergence == "I_before_scaling"


def test_what_one_trace_alone_has_is_listed_and_is_no_difference():
    steps = [{"phi_tic": float(tic), "h_frac": 1.5} for tic in range(3)]
    found = compare_traces(trace(polar=1, F_cell=2, steps=steps), trace(polar=1, F_latt=3, steps=steps[:1]))
    assert found.agrees
    assert found.missing == ("in A only: F_cell, 2 steps from phi_tic=1", "in B only: F_latt")
    assert [step.only_in for step in found.steps] == [None, "A", "A"]
    missing, gaps = (f"Not compared, {line}." for line in found.missing), found.gaps
    assert diagnose(found)[1:] == (*missing, *(f"Too little was compared: {gap}." for gap in gaps))
    assert not found.passes


def without(whole, *keys, **changes):
    """The trace without some of its factors."""
    return Trace(**{**vars(whole), "factors": {k: v for k, v in whole.factors.items() if k not in keys}, **changes})


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        (lambda t: without(t), None),
        (lambda t: without(t, "polar", "F_latt", "F_cell"), None),  # 25 of 28 are compared
        (lambda t: without(t, steps=()), "one trace alone has steps: 8 steps in A, 0 steps in B"),
        (lambda t: without(t, steps=t.steps[:5]), "3 of 8 steps cannot be compared"),
        (
            lambda t: without(t, steps=tuple({"phi_tic": s["phi_tic"], "new": 1.0} for s in t.steps)),
            "8 of 8 steps cannot be compared",
        ),
        (lambda t: without(t, "I_pixel_final"), "the final intensity, I_pixel_final, is not in B"),
        (
            lambda t: without(t, *(set(t.factors) - {"I_pixel_final"})),
            "1 factor compared, of 28 in A and 1 in B",
        ),
        (lambda t: without(t, *list(t.factors)[:15]), "13 factors compared, of 28 in A and 13 in B"),
        (
            lambda t: without(t, pixel=(6, 5)),
            "the traces are of different pixels: slow 5 fast 5 in A, slow 6 fast 5 in B",
        ),
        (lambda t: without(t, pixel=None), None),  # the C program does not say
    ],
)
def test_too_little_in_common_does_not_pass(tmp_path, change, gap):
    whole = without(read(tmp_path, recorded("phi_from_ten", "c")[0]), pixel=(5, 5))
    found = compare_traces(whole, change(whole))
    assert found.agrees
    assert found.passes == (gap is None)
    assert len(found.gaps) == (gap is not None)
    if gap is not None:
        assert found.gaps[0].startswith(gap)
        assert diagnose(found)[-1] == f"Too little was compared: {found.gaps[0]}."
        assert diagnose(found)[0].startswith("No divergence in what both traces have: ")


def test_what_is_ignored_is_not_missed(tmp_path):
    whole = read(tmp_path, recorded("phi_from_ten", "c")[0])
    assert compare_traces(whole, without(whole, "I_pixel_final"), ignore=["I_pixel_final"]).passes


def test_the_sign_of_a_relative_difference():
    """(B − A)/|A|: 0.144613 with the C program as A, and what the mended program says as B."""
    for a, b in ((1.0, 0.855387), (-1.0, -0.855387), (2.0, 1.0), (0.5, 0.75), (-0.607256, -0.589168)):
        found = compare_traces(trace(I_pixel_final=a), trace(I_pixel_final=b)).factors[0]
        assert found.rel_delta == pytest.approx((b - a) / abs(a), rel=1e-12)
        assert found.change == found.rel_delta
        assert found.status is Status.CRITICAL  # by its magnitude, whatever its sign
    assert compare_traces(trace(polar=0), trace(polar=-1)).factors[0].rel_delta == -math.inf
    vector = compare_traces(trace(new=(3.0, 4.0)), trace(new=(3.0, 3.0))).factors[0]
    assert vector.rel_delta == pytest.approx(0.2)


def test_fewer_keys_in_a_step_are_matched_by_what_both_have(tmp_path):
    """nanobrag_torch's steps: a counter and some of the numbers."""
    whole = read(tmp_path, recorded("phi_from_ten", "c")[0])
    steps = tuple({key: step[key] for key in ("phi_tic", "phi_deg", "k_frac", "F_latt")} for step in whole.steps)
    found = compare_traces(whole, Trace("PY", {}, steps[::-1], "py.log"))
    assert found.agrees
    assert all([item.key for item in step.values] == ["phi_deg", "k_frac", "F_latt"] for step in found.steps)


def test_steps_that_share_their_counter_are_matched_in_turn():
    steps = [{"phi_tic": 0.0, "F_latt": 1.0}, {"phi_tic": 0.0, "F_latt": 2.0}]
    found = compare_traces(trace(steps=steps), trace(steps=[steps[0], {"phi_tic": 0.0, "F_latt": 3.0}]))
    assert [step.status for step in found.steps] == [Status.PASS, Status.CRITICAL]


def test_lines_of_different_steps_are_not_compared(tmp_path):
    """One program prints rot_a … F_cell of its first step, the other of its last."""
    first = read(tmp_path, recorded("phi_from_ten", "c")[0])
    last = dict(first.factors)
    indices = tuple(first.steps[-1][key] for key in ("h_frac", "k_frac", "l_frac"))
    last |= {"hkl_frac": indices, "F_latt": (first.steps[-1]["F_latt"],)}
    found = compare_traces(first, Trace("PY", last, first.steps, "py.log"))
    assert found.agrees
    item = found.factor("F_latt")
    assert item is not None
    assert item.status is Status.SKIPPED
    assert any("write them for different steps: rot_a_angstroms" in sentence for sentence in diagnose(found))


def test_ignored_keys_are_left_out_everywhere():
    a = trace(polar=1, F_latt=1, steps=[{"phi_tic": 0.0, "F_latt": 1.0, "h_frac": 2.0}])
    b = trace(polar=1, F_latt=-1, steps=[{"phi_tic": 0.0, "F_latt": -1.0, "h_frac": 2.0}])
    assert not compare_traces(a, b).agrees
    found = compare_traces(a, b, ignore=["F_latt"])
    assert found.agrees
    assert [item.key for item in found.factors] == ["polar"]


def test_nothing_in_common():
    with pytest.raises(ValueError, match="no factor in common"):
        compare_traces(trace(polar=1), trace(F_cell=1))


def test_unknown_keys_come_last():
    found = compare_traces(trace(new=1, polar=1), trace(new=2, polar=1))
    assert [item.key for item in found.factors] == ["polar", "new"]
    assert found.first_divergence == "new"


def test_vectors_of_different_length_differ():
    found = compare_traces(trace(new=(1.0, 2.0)), trace(new=(1.0,)))
    assert found.factors[0].status is Status.CRITICAL
    assert "2 numbers against 1" in diagnose(found)[0]


# What a difference points to ------------------------------------------------------------------------------------------


def scale_indices(record):
    for step in record["steps"]:
        for key in ("h_frac", "k_frac", "l_frac"):
            step[key] *= 1.01


def turn_half_a_step(record):
    for step in record["steps"]:
        step["phi_deg"] += 0.05


def other_structure_factor(record):
    record["steps"][0]["F_cell"] *= 2.0


def other_lattice_factor(record):
    for step in record["steps"]:
        step["F_latt"] *= 1.1


def other_sign(record):
    for step in record["steps"]:
        step["F_latt"] *= -1.0


def polarized_sum(record):
    record["factors"]["I_before_scaling"] *= record["factors"]["polar"]


def other_weight(record):
    record["factors"]["I_before_scaling"] *= 1.234


def wrong_product(record):
    record["factors"]["I_pixel_final"] *= 2.0


def per_metre(record):
    record["factors"]["scattering_vec_A_inv"] = [1e10 * v for v in record["factors"]["scattering_vec_A_inv"]]


def moved(record):
    record["factors"]["pix0_vector_meters"][1] += 1e-4


@pytest.mark.parametrize(
    ("change", "first", "said"),
    [
        (scale_indices, "phi_tic=0", "Every step differs by the same factor (h × 1.01, k × 1.01, l × 1.01)"),
        (turn_half_a_step, "phi_tic=0", "It points to the scan"),
        (other_structure_factor, "phi_tic=0", "It points to the table of structure factors"),
        (other_lattice_factor, "phi_tic=0", "It points to the shape of the crystal"),
        (other_sign, "phi_tic=0", "The sign alone differs"),
        (polarized_sum, "I_before_scaling", "All steps agree. Program B has polar in this sum already"),
        (other_weight, "I_before_scaling", "All steps agree. It points to the sum itself"),
        (wrong_product, "I_pixel_final", "In B it is not the product of the factors before it"),
        (per_metre, "scattering_vec_A_inv", "B is 10^10 times A: it points to a unit."),
        (moved, "pix0_vector_meters", "It points to the detector's place"),
    ],
)
def test_diagnosis(tmp_path, change, first, said):
    found = changed(tmp_path, change)
    assert found.first_divergence == first
    sentences = diagnose(found)
    assert sentences[0].startswith("First divergence: ")
    assert any(said in sentence for sentence in sentences), sentences


def test_diagnosis_names_the_layer(tmp_path):
    c, fixed = (read(tmp_path, recorded("thick_sensor", variant)[0]) for variant in ("c", "fixed"))
    found = compare_traces(c, fixed)
    assert found.first_divergence == "thick_tic=1 phi_tic=0"
    assert "Those with another thick_tic agree: it points to the layers of the sensor." in diagnose(found)


def test_diagnosis_names_two_pixels():
    found = compare_traces(trace(polar=1, pixel=(685, 1039)), trace(polar=1.1, pixel=(1039, 685)))
    said = (
        "Too little was compared: the traces are of different pixels: slow 685 fast 1039 in A, slow 1039 fast 685 in B."
    )
    assert said in diagnose(found)
