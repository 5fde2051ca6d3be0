"""The scanner: values, order, warnings, and the wording of every complaint."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.scanner import Scanned, scan


def scan_line(line: str) -> Scanned:
    return scan(line.split())


def complaint(line: str) -> str:
    with pytest.raises(UsageError) as caught:
        scan_line(line)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("", {}),
        ("-Xbeam -5e-3", {"Xbeam": -0.005}),
        ("-phi -40 -twotheta -.5", {"phi": -40.0, "twotheta": -0.5}),
        ("-detector_rotx -1E+1 -osc 1.", {"detector_rotx": -10.0, "osc": 1.0}),
        ("-N 1e9 -detpixels 256.0", {"N": 10**9, "detpixels": 256}),
        ("-detector_abs inf", {"detector_abs": math.inf}),
        ("-cell 100", {"cell": (100.0,)}),
        ("-cell 70 80 -N 5", {"cell": (70.0, 80.0), "N": 5}),
        ("-cell 70 80 90 75 85 95", {"cell": (70.0, 80.0, 90.0, 75.0, 85.0, 95.0)}),
        ("-misset 10 -20 3e1", {"misset": (10.0, -20.0, 30.0)}),
        ("-misset random -misset_seed 5", {"misset": "random", "misset_seed": 5}),
        ("-twotheta_axis 0 0 1", {"twotheta_axis": (0.0, 0.0, 1.0)}),
        ("-pivot s", {"pivot": "sample"}),
        ("-pivot Beam", {"pivot": "beam"}),
        ("-roi 0 10 5 5", {"roi": (0, 10, 5, 5)}),
        ("-mosaic 0", {"mosaic": 0.0}),
        ("-stol 4stol -4stol stol", {"stol": "4stol", "4stol": "stol"}),
        ("-close_distance -95", {"close_distance": -95.0}),
        ("-seed -7", {"seed": -7}),
        ("--precision=float32 --png=a=b.png --compat", {"precision": "float32", "png": "a=b.png", "compat": True}),
        ("--memory-limit 2GiB", {"memory_limit": 2**31}),
        ("--device cuda:1 --quiet", {"device": "cuda:1", "quiet": True}),
        ("-N 3 -h -nonsense 5", {"N": 3, "help": True}),
    ],
)
def test_values(line: str, values: dict[str, object]) -> None:
    scanned = scan_line(line)
    assert scanned.values == values
    assert [type(v) for v in scanned.values.values()] == [type(v) for v in values.values()]
    assert scanned.warnings == []


def test_file_names_are_taken_as_they_stand() -> None:
    assert scan(["-hkl", "my file.hkl"]).values == {"hkl": "my file.hkl"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-detpixel 5", "unknown flag -detpixel: did you mean -detpixels?"),
        ("-floatfil a.bin", "unknown flag -floatfil: did you mean -floatfile?"),
        ("-misset_sed 5", "unknown flag -misset_sed: did you mean -misset_seed?"),
        ("-lamda 1", "unknown flag -lamda: did you mean -lambda?"),
        ("-wavlength 1", "unknown flag -wavlength: did you mean -wavelength?"),
        ("-xbeam 1", "unknown flag -xbeam: did you mean -Xbeam?"),
        ("--lambda 1", "unknown flag --lambda: did you mean -lambda?"),
        ("-compat", "unknown flag -compat: did you mean --compat?"),
        ("--memory_limit 4G", "unknown flag --memory_limit: did you mean --memory-limit?"),
        ("-mosaic_s 1", "unknown flag -mosaic_s: did you mean -mosaic_seed or -mosaic_spread?"),
        ("-myfloatfile a", "unknown flag -myfloatfile: did you mean -floatfile?"),
        ("-detector_distance 5", "unknown flag -detector_distance: did you mean -distance?"),
        ("-lambda=1.5", "unknown flag -lambda=1.5: did you mean -lambda 1.5?"),
        ("--pngs=a", "unknown flag --pngs=a: did you mean --png?"),
        ("-resolution 2", "unknown flag -resolution: --help lists all flags"),
        ("-zzzz", "unknown flag -zzzz: --help lists all flags"),
        ("-", "unknown flag -: --help lists all flags"),
    ],
)
def test_unknown_flag(line: str, message: str) -> None:
    assert complaint(line) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-lambda 1.0 foo", "unexpected argument 'foo' after -lambda 1.0: -lambda takes 1 value"),
        ("-lambda 1.0 -5", "unexpected argument '-5' after -lambda 1.0: -lambda takes 1 value"),
        ("-lambda 1.0 a=b", "unexpected argument 'a=b' after -lambda 1.0: -lambda takes 1 value"),
        ("-xds 5", "unexpected argument '5' after -xds: -xds takes no value"),
        ("-cell 1 2 foo", "unexpected argument 'foo' after -cell 1 2: -cell takes 1 to 6 values"),
        ("-cell 1 2 3 90 90 90 7", "unexpected argument '7' after -cell 1 2 3 90 90 90: -cell takes 1 to 6 values"),
        ("foo", "unexpected argument 'foo' at the start: flags begin with a dash"),
        ("-N 3 lambda 1", "unexpected argument 'lambda' after -N 3: did you mean -lambda?"),
        ("-N 3 –lambda 1", "unexpected argument '–lambda' after -N 3: did you mean -lambda?"),
        ("—compat", "unexpected argument '—compat' at the start: did you mean --compat?"),
    ],
)
def test_stray_word(line: str, message: str) -> None:
    assert complaint(line) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-N", "-N takes 1 value (unit cells along a, b and c), but the command line ends there"),
        ("-N -lambda 1", "-N takes 1 value (unit cells along a, b and c), but -lambda follows"),
        ("-N --compat", "-N takes 1 value (unit cells along a, b and c), but --compat follows"),
        ("-N -lamda 1", "-N takes 1 value (unit cells along a, b and c), but -lamda follows"),
        ("-N -4stol f", "-N takes 1 value (unit cells along a, b and c), but -4stol follows"),
        ("-hkl -mat A.mat", "-hkl takes 1 value (text file of h k l F), but -mat follows"),
        ("-cell", "-cell takes 1 to 6 values (unit cell), but the command line ends there"),
        (
            "-roi 0 10 -N 3",
            "-roi takes 4 values (first and last pixel along fast, then along slow), but -N follows after 2",
        ),
        (
            "-misset 1 2",
            "-misset takes 3 values (rotations about x, y and z, or the word random), "
            "but the command line ends after 2",
        ),
        (
            "-polar -lambda 1",
            "-polar takes 1 value (Kahn polarization factor), but -lambda follows; "
            "give 0 for an unpolarized beam, or -nopolar for no correction",
        ),
    ],
)
def test_missing_value(line: str, message: str) -> None:
    assert complaint(line) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-N abc", "-N takes a whole number of at least 1, but got 'abc'"),
        ("-phisteps 3.5", "-phisteps takes a whole number of at least 1, but got '3.5'"),
        ("-wavelength 1.0A", "-wavelength takes a number above 0 in Å, but got '1.0A'"),
        ("-lambda 1_0", "-lambda takes a number above 0 in Å, but got '1_0'"),
        ("-lambda nan", "-lambda takes a number above 0 in Å, but got 'nan' (nan and inf are not numbers here)"),
        ("-Xbeam -inf", "-Xbeam takes a number in mm, but got '-inf' (nan and inf are not numbers here)"),
        ("-Xbeam 1e999", "-Xbeam takes a number in mm, but got '1e999' (too large)"),
        ("-N 1e999", "-N takes a whole number of at least 1, but got '1e999' (too large)"),
        ("-Xbeam -5mm", "-Xbeam takes a number in mm, but got '-5mm'"),
        ("-cell nan", "-cell takes 1 to 6 numbers in Å and degrees, but got 'nan' (nan and inf are not numbers here)"),
        ("-misset 1 x 3", "-misset takes 3 numbers in degrees or the word random, but got 'x'"),
        ("-roi 0 1.5 0 1", "-roi takes 4 whole numbers of at least 0 in pixels, but got '1.5'"),
        ("-pivot corner", "-pivot takes sample or beam, but got 'corner'"),
        ("--precision half", "--precision takes one of mixed, float32, float64, but got 'half'"),
        ("--precision=", "--precision takes one of mixed, float32, float64, but got ''"),
        ("--png=", "--png takes a file name, but got ''"),
        ("--compat=yes", "--compat takes no value, but got 'yes'"),
        ("--memory-limit lots", "--memory-limit takes a size in bytes, such as 4G or 500M, but got 'lots'"),
        ("-hkl -5.hkl", "-hkl takes a file name, but got '-5.hkl' (write ./-5.hkl for a file of that name)"),
    ],
)
def test_malformed_value(line: str, message: str) -> None:
    assert complaint(line) == message


@pytest.mark.parametrize(
    "line",
    """-N 0 | -Na -1 | -lambda 0 | -energy -1 | -pixel 0 | -distance -5 | -distance 0 | -close_distance 0
    -detpixels 0 | -detpixels_x 0 | -detsize 0 | -detsize_s -1 | -oversample 0 | -phisteps 0 | -mosaic -1
    -mosaic_domains 0 | -dispersion -1 | -dispsteps 0 | -divergence -1 | -hdivrange -1 | -vdivstep -1 | -hdivsteps 0
    -fluence -1 | -flux -1 | -exposure 0 | -beamsize 0 | -polar 1.1 | -polar -1.1 | -dmin -1 | -detector_thick -1
    -detector_abs 0 | -detector_abs -5 | -thicksteps 0 | -fudge 0 | -seed 1.5 | -roi -1 2 3 4 | -water -1
    -samplesize 0 | -printout_pixel -1 0 | -scale 0 | --memory-limit 0""".replace("\n", "|").split("|"),
)
def test_out_of_range(line: str) -> None:
    flag, *values = line.split()
    message = complaint(line)
    assert message.startswith(f"{flag} takes ")
    assert message.endswith(f"but got '{values[0]}'")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-cell 40 -5", "-cell takes 1 to 6 numbers in Å and degrees, but b is -5 (lengths are above 0)"),
        (
            "-cell 40 40 40 90 90 180",
            "-cell takes 1 to 6 numbers in Å and degrees, but gamma is 180 (angles lie between 0 and 180)",
        ),
        ("-roi 9 3 0 1", "-roi takes 4 whole numbers of at least 0 in pixels, but xmin 9 is larger than xmax 3"),
        ("-roi 0 1 9 3", "-roi takes 4 whole numbers of at least 0 in pixels, but ymin 9 is larger than ymax 3"),
        ("-beam_vector 0 0 0", "-beam_vector takes 3 numbers, but all of them are 0"),
        ("-pix0_vector_mm 0 -0 0e0", "-pix0_vector_mm takes 3 numbers in mm, but all of them are 0"),
    ],
)
def test_values_that_do_not_fit_together(line: str, message: str) -> None:
    assert complaint(line) == message


def test_order_is_that_of_the_last_appearance() -> None:
    scanned = scan_line("-distance 100 -Xclose 5 -xds -distance 100 -thicksteps 3")
    assert scanned.order == ["Xclose", "xds", "distance", "detector_thicksteps"]
    assert scanned.last("Xclose", "distance") == "distance"
    assert scanned.last("mosflm", "xds") == "xds"
    assert scanned.last("mosflm") is None


def test_the_last_of_two_values_holds_with_a_warning() -> None:
    scanned = scan_line("-lambda 1.0 -N 5 -wavelength 1.5 -cell 4 5 -cell 4 6")
    assert scanned.values == {"lambda": 1.5, "N": 5, "cell": (4.0, 6.0)}
    assert scanned.warnings == [
        "-wavelength 1.5 replaces the earlier -lambda 1.0",
        "-cell 4 6 replaces the earlier -cell 4 5",
    ]


def test_the_same_value_twice_is_silent() -> None:
    assert scan_line("-lambda 1 -wave 1.00 -xds -xds -N 3 -N 3.0").warnings == []


def test_flags_without_effect_are_taken_with_their_values_and_said_once() -> None:
    scanned = scan_line("-MW 18 -stolout f -coherent -molecular 18 -density 1.2 -N 3")
    assert scanned.values["N"] == 3
    assert scanned.warnings == [
        f"{word} has no effect (as in the C program)" for word in ("-MW", "-stolout", "-coherent", "-density")
    ]
    assert scan_line("-stol f -water 5").warnings == []


def test_typed_access() -> None:
    scanned = scan_line("-lambda 1.5 -N 5 -hkl a.hkl -misset 1 2 3 -xds")
    assert "xds" in scanned
    assert "dials" not in scanned
    assert scanned.number("lambda") == 1.5
    assert scanned.number("N") == 5.0
    assert scanned.whole("N") == 5
    assert scanned.text("hkl") == "a.hkl"
    assert scanned.numbers("misset") == (1.0, 2.0, 3.0)
    assert scanned.number("hkl") is scanned.whole("lambda") is scanned.text("N") is scanned.numbers("xds") is None
    assert scanned.whole("xds") is scanned.number("xds") is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back(number: float) -> None:
    assert scan(["-Xbeam", repr(number)]).number("Xbeam") == number


@given(st.lists(st.text(max_size=8) | st.sampled_from(["-N", "-cell", "-roi", "--png=", "--help", "5", "-1e3"])))
def test_any_words_give_a_result_or_one_line(argv: list[str]) -> None:
    message = "fine"
    try:
        scan(argv)
    except UsageError as error:
        message = str(error)
    assert len(message.splitlines()) == 1


def test_a_message_stays_one_line_whatever_was_typed() -> None:
    with pytest.raises(UsageError) as caught:
        scan(["-N", "a\nb\udcff"])
    assert str(caught.value) == r"-N takes a whole number of at least 1, but got 'a\nb\udcff'"
