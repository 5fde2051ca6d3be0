import pytest

from benchmarks.cases import CASES, DETECTORS, GROUPS, Case, find
from benchmarks.names import DEFAULT_GROUPS, IMPLEMENTATIONS


def image_cases():
    return [case for case in CASES.values() if isinstance(case, Case)]


def test_what_the_cases_promise():
    assert {"pilatus-300k", "pilatus-1m", "pilatus-6m", "eiger-9m", "eiger-16m", "jungfrau-16m"} <= CASES.keys()
    assert {case.domains for case in image_cases() if case.group == "domains"} >= {1, 10, 100, 1000}
    assert {case.wavelengths for case in image_cases() if case.group == "wavelengths"} == {1, 10, 100}
    assert set(DEFAULT_GROUPS) <= GROUPS.keys()


MILLIONS = {"pilatus-300k": 0.3, "pilatus-1m": 1.0, "pilatus-6m": 6.2, "eiger-9m": 10.2, "eiger-16m": 18.1,
            "jungfrau-16m": 16.9}  # fmt: skip


@pytest.mark.parametrize(("name", "millions"), MILLIONS.items())
def test_detectors_have_the_pixels_that_they_are_named_for(name, millions):
    pixels, panels, _ = DETECTORS[name]
    assert panels * pixels[0] * pixels[1] / 1e6 == pytest.approx(millions, abs=0.05)


def test_steps_are_pixels_times_sources_times_orientations():
    made = Case("x", "x", "", pixels=(3, 5), panels=2, domains=7, wavelengths=11, phi_steps=13, stills=17,
                options=(("oversample", 2),))  # fmt: skip
    assert made.steps == 3 * 5 * 2 * 7 * 11 * 13 * 17 * 4


def test_groups_and_names_are_found_once_and_in_order():
    assert [case.name for case in find(["no-table", "yardstick"])] == ["yardstick", "no-table"]
    assert len(find(["all"])) == len(CASES)


@pytest.mark.parametrize(("word", "hint"), [("yardstik", "did you mean yardstick"), ("qqqq", "--list")])
def test_an_unknown_case_suggests_the_nearest(word, hint):
    with pytest.raises(KeyError, match=hint):
        find([word])


def test_implementations_that_cases_ask_for_exist():
    assert {name for case in image_cases() for name in case.implementations} <= IMPLEMENTATIONS.keys()


def test_a_shrunk_case_is_small_and_keeps_its_name():
    for case in image_cases():
        assert case.shrunk().steps <= 2 * 64 * 64 * 4 * 3 * 3
        assert case.shrunk().name == case.name
