"""The table of flags: complete against the C program's list, and every spelling leads to its flag."""

import math
import re

import pytest

from jaxbragg.cli.flag_table import FLAGS, GROUPS, find_flag
from jaxbragg.cli.flags import Flag, read_size, read_whole
from jaxbragg.cli.scanner import scan

# The C program's flags and aliases, as listed in its documentation and found in its source (version 8-10-25).
C_FLAGS = """
-hkl -mat -matrix -cell -misset -misset_seed -mosaic_seed -seed -default_F -dump -N -Na -Nb -Nc
-samplesize -sample_size -xtalsize -xtal_size -sample_thick -sample_x -xtal_thick -xtal_x
-sample_width -sample_y -width -xtal_width -xtal_y -sample_height -sample_z -height -xtal_height -xtal_z
-square_xtal -round_xtal -gauss_xtal -tophat_spots -binary_spots -fudge -interpolate -nointerpolate
-mosaic -mosaici -mosaicity -mosaic_spread -mosaic_domains -mosaic_dom -phi -osc -phistep -phisteps -spindle_axis
-lambda -wave -wavelength -energy -dispersion -dispsteps -divergence -hdivrange -vdivrange -hdivstep -vdivstep
-hdivsteps -vdivsteps -divsteps -round_div -square_div -sourcefile -fluence -flux -exposure -beamsize
-polar -nopolar -polar_vector -beam_vector -dmin -distance -close_distance -pixel
-detpixels -detpixels_f -detpixels_x -detpixels_s -detpixels_y -detsize -detsize_f -detsize_s
-Xbeam -Ybeam -Xclose -Yclose -ORGX -ORGY -mosflm -denzo -adxv -xds -dials -pivot
-detector_rotx -detector_roty -detector_rotz -twotheta -twotheta_axis -fdet_vector -sdet_vector -odet_vector
-pix0_vector -pix0_vector_mm -curved_det -point_pixel -detector_abs -detector_absorb -detector_thick
-detector_thicksteps -thicksteps -oversample -oversample_thick -oversample_polar -oversample_omega -roi -mask -img
-water -floatfile -floatimage -intfile -intimage -pgmfile -pgmimage -noisefile -noiseimage -nonoise -nopgm
-scale -pgmscale -adc -adc_offset -printout -printout_pixel -progress -noprogress -stol -4stol -Q
-stolout -coherent -density -MW -molec -molecular_weight
"""
OWN_FLAGS = """
--compat --precision --device --devices --png --memory-limit --quiet --help -help -h
--output -o --images --counts --detector --model --mtz --columns --spacegroup --solvent --bfactor --anomalous --fprime
--forward --dmin --geometry --sidecar --smv-dialect --resume --saturation --spot-scale --truth
--mosaic-gauss --bandwidth --divergence-gauss --cell-spread --method --samples --tolerance
--lattices --size-spread --dose --crystal-position --crystal-box --crystal-depth --goniometer --goniometer-angles
--scan-axis --beam-fwhm --beam-box --two-colors --stokes
--diffuse --spectrum --spectrum-unit --sase --sase-seed --sase-lines
--liquid --air --helium --ice --ice-size --compton --air-absorption --beam-stop --powder
--psf-gauss --psf-fibre --psf-moffat --psf-radius --flicker --dead-time --paralyzable --charge-sharing
--calibration-error --calibration-seed --gain-stages --gain --read-noise --pedestal --bad-pixels --hot-level
"""

SPELLINGS = [(flag, word) for flag in FLAGS for word in flag.words]


def example(flag: Flag) -> list[str]:
    """Values that every flag of this kind takes."""
    if flag.choices:
        return [flag.choices[-1]]
    word = {"number": "0.5", "whole": "7", "word": "gpu", "file": "some.file", "size": "4G"}[flag.kind]
    return [word] * flag.most


def expected(flag: Flag) -> object:
    if flag.most == 0:
        return True
    if flag.choices:
        return flag.choices[-1]
    value = {"number": 0.5, "whole": 7, "word": "gpu", "file": "some.file", "size": 4 * 2**30}[flag.kind]
    return value if flag.most == 1 else (value,) * flag.most


@pytest.mark.parametrize(("flag", "word"), SPELLINGS, ids=[word for _, word in SPELLINGS])
def test_every_spelling_gives_the_canonical_name_and_type(flag: Flag, word: str) -> None:
    words = [word.removesuffix("…"), word.replace("…", "eng")]
    values = ["100"] * 3 + ["90"] * 3 if flag.name == "cell" else example(flag)
    want = (100.0, 100.0, 100.0, 90.0, 90.0, 90.0) if flag.name == "cell" else expected(flag)
    for typed in words:
        scanned = scan([typed, *values])
        assert scanned.values == {flag.dest: want}
        assert type(scanned.values[flag.dest]) is type(want)
        assert scanned.order == [flag.dest]


@pytest.mark.parametrize("word", (C_FLAGS + OWN_FLAGS).split())
def test_the_list_is_complete(word: str) -> None:
    assert find_flag(word) is not None


def test_no_flag_beyond_the_lists() -> None:
    assert {flag.word for flag in FLAGS} <= set((C_FLAGS + OWN_FLAGS).split())


def test_no_spelling_twice_and_every_group_known() -> None:
    words = [word for _, word in SPELLINGS]
    assert len(words) == len(set(words))
    assert {flag.group for flag in FLAGS} == set(GROUPS)
    assert len({flag.dest for flag in FLAGS}) == len(FLAGS)


def test_one_dash_for_the_c_program_two_for_our_own() -> None:
    for flag in FLAGS:
        assert re.fullmatch(r"--[a-z-]+" if flag.own else r"-\w+", flag.word)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("-wavelength", "lambda"),
        ("-waveleng", "lambda"),
        ("-mosaicity", "mosaic"),
        ("-mosaic_dom", "mosaic_domains"),
        ("-mosaic_seed", "mosaic_seed"),
        ("-height", "sample_height"),
        ("-detpixels_y", "detpixels_s"),
        ("-pix0_vector_mm", "pix0_vector_mm"),
        ("-phistep", "phistep"),
    ],
)
def test_alias(word: str, name: str) -> None:
    flag = find_flag(word)
    assert flag is not None
    assert flag.name == name


@pytest.mark.parametrize(
    "word", ["-lambd", "-Lambda", "--lambda", "-twotheta_ax", "-mosaic_s", "lambda", "-", "--", ""]
)
def test_everything_else_is_no_flag(word: str) -> None:
    assert find_flag(word) is None


@pytest.mark.parametrize(
    ("word", "size"),
    [
        ("500", 500),
        ("4G", 4 * 2**30),
        ("2GiB", 2 * 2**30),
        ("500M", 500 * 2**20),
        ("1.5GB", 1_500_000_000),
        ("8k", 8192),
        ("0", None),
        ("4X", None),
        ("4iB", None),
        ("-4G", None),
        ("", None),
    ],
)
def test_size(word: str, size: int | None) -> None:
    assert read_size(word) == size


def test_whole_numbers_are_exact() -> None:
    assert read_whole("12345678901234567891") == 12345678901234567891
    assert read_whole("1e9") == 10**9
    assert read_whole("-3.0") == -3
    assert read_whole("3.5") is None
    assert not math.isfinite(float("9" * 400))
    assert read_whole("9" * 400) is None
