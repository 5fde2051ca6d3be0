"""Every flag of the command line: the C program's, letter for letter, and jaxbragg's own with two dashes.

A new flag is one line here; scanner, help page and messages follow. The order is that of the help page.
"""

from __future__ import annotations

from jaxbragg.cli.background_flags import BACKGROUND, BACKGROUND_FLAGS
from jaxbragg.cli.beam_flags import BEAM, BEAM_FLAGS
from jaxbragg.cli.flags import AT_LEAST_ONE, FRACTION, NOT_NEGATIVE, NOT_ZERO, POSITIVE, Flag
from jaxbragg.cli.response_flags import RESPONSE, RESPONSE_FLAGS
from jaxbragg.cli.sample_flags import SAMPLE, SAMPLE_FLAGS

CRYSTAL = "Crystal"
FACTORS = "Structure factors"
DETECTOR = "Detector"
SAMPLING = "Sampling"
OUTPUT = "Output"
OWN = "jaxbragg's own"
NO_EFFECT = "Accepted without effect, as in the C program"
GROUPS = (CRYSTAL, FACTORS, BEAM, DETECTOR, SAMPLING, SAMPLE, BACKGROUND, RESPONSE, OUTPUT, OWN, NO_EFFECT)

TABLES = ("hkl", "model", "mtz")
"""Flags that each give a table of structure factors, of which -dump writes a copy."""


def _cell(values: tuple[float, ...]) -> str:
    for name, value in zip(("a", "b", "c"), values, strict=False):
        if value <= 0:
            return f"{name} is {value:g} (lengths are above 0)"
    for name, value in zip(("alpha", "beta", "gamma"), values[3:], strict=False):
        if not 0 < value < 180:
            return f"{name} is {value:g} (angles lie between 0 and 180)"
    return ""


def _roi(values: tuple[float, ...]) -> str:
    xmin, xmax, ymin, ymax = values
    if xmin > xmax:
        return f"xmin {xmin} is larger than xmax {xmax}"
    return f"ymin {ymin} is larger than ymax {ymax}" if ymin > ymax else ""


def _direction(values: tuple[float, ...]) -> str:
    return "" if any(values) else "all of them are 0"


def _size(name: str, text: str, *aliases: str) -> Flag:
    return Flag(name, CRYSTAL, text, "SIZE", unit="mm", check=POSITIVE, aliases=aliases)


def _vector(name: str, group: str, text: str, unit: str = "") -> Flag:
    return Flag(name, group, f"{text}; selects the CUSTOM convention", "X Y Z", unit=unit, together=_direction)


def _rotation(name: str, text: str) -> Flag:
    return Flag(name, DETECTOR, text, "ANGLE", unit="degrees", default="0")


def _file(name: str, group: str, text: str, *aliases: str) -> Flag:
    return Flag(name, group, text, "FILE", "file", aliases=aliases)


def _count(
    name: str, group: str, text: str, *aliases: str, unit: str = "", default: str = "", own: bool = False
) -> Flag:
    return Flag(name, group, text, "COUNT", "whole", unit, AT_LEAST_ONE, default, aliases, own=own)


def _seed(name: str, group: str, text: str, default: str) -> Flag:
    return Flag(name, group, text, "SEED", "whole", default=default)


# fmt: off
FLAGS: tuple[Flag, ...] = (
    _file("mat", CRYSTAL, "orientation matrix; reciprocal vectors in columns, times the wavelength", "-matrix"),
    Flag("cell", CRYSTAL, "unit cell; missing lengths are a, missing angles 90", "A B C ALPHA BETA GAMMA",
         unit="Å and degrees", fewest=1, together=_cell),
    Flag("misset", CRYSTAL, "rotations about x, y and z", "X Y Z", unit="degrees", default="0 0 0",
         keywords=("random",)),
    _seed("misset_seed", CRYSTAL, "seed of -misset random", "that of -seed"),
    _count("N", CRYSTAL, "unit cells along a, b and c", default="1"),
    _count("Na", CRYSTAL, "unit cells along a", default="1"),
    _count("Nb", CRYSTAL, "unit cells along b", default="1"),
    _count("Nc", CRYSTAL, "unit cells along c", default="1"),
    _size("samplesize", "crystal size along a, b and c; instead of -N", "-sample_size", "-xtalsize", "-xtal_size"),
    _size("sample_thick", "crystal size along a", "-sample_x", "-xtal_thick", "-xtal_x"),
    _size("sample_width", "crystal size along b", "-sample_y", "-width", "-xtal_width", "-xtal_y"),
    _size("sample_height", "crystal size along c", "-sample_z", "-heigh…", "-xtal_height", "-xtal_z"),
    Flag("square_xtal", CRYSTAL, "spots of a parallelepiped; the default"),
    Flag("round_xtal", CRYSTAL, "spots of an ellipsoid"),
    Flag("gauss_xtal", CRYSTAL, "Gaussian spots"),
    Flag("tophat_spots", CRYSTAL, "flat spots with a sharp edge", aliases=("-binary_spots",)),
    Flag("fudge", CRYSTAL, "factor on the width of round, gauss and tophat spots", "FACTOR", check=POSITIVE,
         default="1"),
    Flag("spot-scale", CRYSTAL, "factor on the Bragg part alone, how many mosaic blocks of -N cells the crystal has",
         "BLOCKS", check=NOT_NEGATIVE, default="1", own=True),

    Flag("mosaic-gauss", CRYSTAL, "Gaussian mosaic spread, standard deviation, about all axes, about a*, b and c (of a "
         "cell that is not rectangular, a* and c and what is across), or the six of a symmetric matrix of these, xx yy "
         "zz xy yz xz; gauss spots have it in closed form", "X Y Z XY YZ XZ", unit="degrees", fewest=1, own=True),
    _count("powder", CRYSTAL, "crystals turned evenly into all directions; -mosaic 180 has them uneven", own=True),
    Flag("cell-spread", CRYSTAL, "Gaussian spread of the domains' cells, standard deviation, of all lengths together "
         "or of a, b, c by themselves; likewise", "A B C", unit="percent", check=NOT_NEGATIVE, fewest=1, own=True),

    _file("hkl", FACTORS, "text file of h k l F"),
    Flag("model", FACTORS, "structure whose |F| are computed; PDB, mmCIF, .gz", "FILE", "file", own=True),
    Flag("mtz", FACTORS, "reflections; MTZ, SF-mmCIF, SHELX fcf and HKLF 4, XDS_ASCII", "FILE", "file", own=True),
    Flag("columns", FACTORS, "columns of --mtz; F, F(+),F(-), F,DANO or an intensity", "LABELS", "word",
         default="the first of amplitudes", own=True),
    Flag("spacegroup", FACTORS, "symmetry by which -hkl, --mtz or --model is expanded; a symbol or a number", "NAME",
         "word", default="that of the file", own=True),
    Flag("solvent", FACTORS, "bulk solvent of --model, density and B; 0.35 46 is usual", "K B",
         unit="electrons/Å³ and Å²", default="none", own=True),
    Flag("bfactor", FACTORS, "B beside |F| of a table, of all directions or xx yy zz xy yz xz of a matrix (x along a*, "
         "z along c); beside that of --model's atoms", "B YY ZZ XY YZ XZ", unit="Å²", fewest=1, default="0", own=True),
    Flag("anomalous", FACTORS, "f' and f'' of the atoms of --model; Friedel mates differ", own=True),
    Flag("fprime", FACTORS, "f' and f'' of elements, such as Se=-7,4/Zn=-2,3; implies --anomalous", "VALUES", "word",
         unit="electrons", own=True),
    Flag("forward", FACTORS, "F(000) of --model too, which scatters straight into the beam", own=True),
    Flag("default_F", FACTORS, "structure factor of every index that the table lacks", "F", unit="electrons",
         default="0"),
    _file("dump", FACTORS, "binary dump of the table; written after -hkl is read, read when there is no -hkl"),
    Flag("interpolate", FACTORS, "tricubic look-up; by itself when any N is 1 or 2"),
    Flag("nointerpolate", FACTORS, "look-up at the nearest index"),
    Flag("dmin", FACTORS, "resolution cut", "D", unit="Å", check=NOT_NEGATIVE, default="0", aliases=("--dmin",)),

    Flag("lambda", BEAM, "wavelength", "LAMBDA", unit="Å", check=POSITIVE, default="1",
         aliases=("-wavelength", "-wave…")),
    Flag("energy", BEAM, "photon energy; instead of -lambda", "ENERGY", unit="eV", check=POSITIVE),
    Flag("dispersion", BEAM, "bandwidth, full range", "WIDTH", unit="percent", check=NOT_NEGATIVE, default="0"),
    _count("dispsteps", BEAM, "wavelengths in the bandwidth; one without -dispersion"),
    Flag("divergence", BEAM, "divergence, full range in both directions", "RANGE", unit="mrad", check=NOT_NEGATIVE),
    Flag("hdivrange", BEAM, "horizontal divergence, full range", "RANGE", unit="mrad", check=NOT_NEGATIVE),
    Flag("vdivrange", BEAM, "vertical divergence, full range", "RANGE", unit="mrad", check=NOT_NEGATIVE),
    Flag("hdivstep", BEAM, "step between directions, horizontal", "STEP", unit="mrad", check=NOT_NEGATIVE),
    Flag("vdivstep", BEAM, "step between directions, vertical", "STEP", unit="mrad", check=NOT_NEGATIVE),
    _count("divsteps", BEAM, "directions, horizontal and vertical"),
    _count("hdivsteps", BEAM, "directions, horizontal"),
    _count("vdivsteps", BEAM, "directions, vertical"),
    Flag("round_div", BEAM, "cut the corners off the grid of directions; the default"),
    Flag("square_div", BEAM, "keep the corners"),
    _file("sourcefile", BEAM, "sources; x y z intensity wavelength[m], one a line"),
    Flag("fluence", BEAM, "photons per area", "FLUENCE", unit="photons/m²", check=NOT_NEGATIVE, default="1.26e29"),
    Flag("flux", BEAM, "photon rate; with -exposure and -beamsize in place of -fluence", "FLUX", unit="photons/s",
         check=NOT_NEGATIVE),
    Flag("exposure", BEAM, "exposure time", "TIME", unit="s", check=POSITIVE, default="1"),
    Flag("beamsize", BEAM, "beam diameter; clips the crystal", "SIZE", unit="mm", check=POSITIVE, default="0.1"),
    Flag("polar", BEAM, "Kahn polarization factor", "K", check=FRACTION, default="0, unpolarized",
         hint="; give 0 for an unpolarized beam, or -nopolar for no correction"),
    Flag("nopolar", BEAM, "no polarization correction"),
    _vector("polar_vector", BEAM, "direction of polarization"),
    *BEAM_FLAGS,
    _vector("beam_vector", BEAM, "direction of the beam"),

    Flag("geometry", DETECTOR, "beam, detector, rotation, crystal of a file; .expt, .geom, NXmx, XDS.INP, XPARM, CBF "
         "or SMV header", "FILE", "file", own=True),
    Flag("detector", DETECTOR, "detector by name, its size, gaps and sensor; jaxbragg --detectors lists them", "NAME",
         "word", own=True),
    Flag("distance", DETECTOR, "sample to the beam spot", "DISTANCE", unit="mm", check=POSITIVE, default="100"),
    Flag("close_distance", DETECTOR, "sample to the nearest point of the detector plane", "DISTANCE", unit="mm",
         check=NOT_ZERO),
    Flag("pixel", DETECTOR, "pixel size", "SIZE", unit="mm", check=POSITIVE, default="0.1"),
    _count("detpixels", DETECTOR, "pixels along fast and slow", default="1024"),
    _count("detpixels_f", DETECTOR, "pixels along fast", "-detpixels_x"),
    _count("detpixels_s", DETECTOR, "pixels along slow", "-detpixels_y"),
    Flag("detsize", DETECTOR, "detector size along fast and slow", "SIZE", unit="mm", check=POSITIVE, default="102.4"),
    Flag("detsize_f", DETECTOR, "detector size along fast", "SIZE", unit="mm", check=POSITIVE),
    Flag("detsize_s", DETECTOR, "detector size along slow", "SIZE", unit="mm", check=POSITIVE),
    Flag("Xbeam", DETECTOR, "beam centre, x in the convention's sense", "X", unit="mm", default="the middle"),
    Flag("Ybeam", DETECTOR, "beam centre, y in the convention's sense", "Y", unit="mm", default="the middle"),
    Flag("Xclose", DETECTOR, "nearest point along fast", "X", unit="mm"),
    Flag("Yclose", DETECTOR, "nearest point along slow", "Y", unit="mm"),
    Flag("ORGX", DETECTOR, "nearest point along fast, as in XDS", "X", unit="pixels"),
    Flag("ORGY", DETECTOR, "nearest point along slow, as in XDS", "Y", unit="pixels"),
    Flag("mosflm", DETECTOR, "MOSFLM's axes and beam centre; the default"),
    Flag("denzo", DETECTOR, "DENZO's axes and beam centre"),
    Flag("adxv", DETECTOR, "ADXV's axes and beam centre"),
    Flag("xds", DETECTOR, "XDS's axes and beam centre"),
    Flag("dials", DETECTOR, "DIALS's axes and beam centre"),
    Flag("pivot", DETECTOR, "what stays when the detector is rotated", "POINT", "word", choices=("sample", "beam"),
         abbreviated=True, default="by the convention"),
    _rotation("detector_rotx", "rotation of the detector about x"),
    _rotation("detector_roty", "rotation of the detector about y"),
    _rotation("detector_rotz", "rotation of the detector about z"),
    _rotation("twotheta", "rotation of the detector about the 2θ axis"),
    _vector("twotheta_axis", DETECTOR, "2θ axis"),
    _vector("fdet_vector", DETECTOR, "direction of increasing fast"),
    _vector("sdet_vector", DETECTOR, "direction of increasing slow"),
    _vector("odet_vector", DETECTOR, "normal of the detector, away from the sample"),
    _vector("pix0_vector", DETECTOR, "corner of the first pixel", "m"),
    _vector("pix0_vector_mm", DETECTOR, "corner of the first pixel", "mm"),
    Flag("curved_det", DETECTOR, "all pixels at one distance from the sample"),
    Flag("point_pixel", DETECTOR, "solid angle without the obliquity of the pixel"),
    Flag("detector_abs", DETECTOR, "attenuation depth of the sensor", "DEPTH", unit="µm", check=POSITIVE, default="inf",
         aliases=("-detector_absorb",), keywords=("inf",)),
    Flag("detector_thick", DETECTOR, "thickness of the sensor", "THICKNESS", unit="µm", check=NOT_NEGATIVE,
         default="0"),
    _count("detector_thicksteps", DETECTOR, "layers of the sensor", "-thicksteps", default="2 with a thickness"),
    _file("img", DETECTOR, "SMV image whose header gives the geometry"),
    _file("mask", DETECTOR, "image of any format, 0 for pixels to skip; the header of an SMV mask gives the geometry"),

    Flag("phi", SAMPLING, "first spindle angle", "PHI", unit="degrees", default="0"),
    Flag("osc", SAMPLING, "range of spindle angles", "RANGE", unit="degrees", default="0"),
    Flag("phistep", SAMPLING, "step between spindle angles", "STEP", unit="degrees"),
    _count("phisteps", SAMPLING, "spindle angles"),
    _vector("spindle_axis", SAMPLING, "direction of the spindle"),
    Flag("mosaic", SAMPLING, "mosaic spread, radius of the cap", "SPREAD", unit="degrees", check=NOT_NEGATIVE,
         default="0", aliases=("-mosaic_spread", "-mosaici…")),
    _count("mosaic_domains", SAMPLING, "mosaic domains", "-mosaic_dom…", default="10 with a spread, else 1"),
    _seed("mosaic_seed", SAMPLING, "seed of the mosaic domains", "-12345678"),
    _count("oversample", SAMPLING, "sub-pixels along each side of a pixel", default="by the crystal's size"),
    Flag("oversample_thick", SAMPLING, "absorption for each sub-pixel; here always"),
    Flag("oversample_polar", SAMPLING, "polarization for each sub-pixel; here always"),
    Flag("oversample_omega", SAMPLING, "solid angle for each sub-pixel; here always"),
    Flag("roi", SAMPLING, "first and last pixel along fast, then along slow; ends included", "XMIN XMAX YMIN YMAX",
         "whole", "pixels", NOT_NEGATIVE, "the whole detector", together=_roi),

    *SAMPLE_FLAGS,

    *BACKGROUND_FLAGS,

    *RESPONSE_FLAGS,

    Flag("output", OUTPUT, "image by its ending; NXmx (.h5, .nxs), .cbf, .img, .tif, .edf, .npy", "FILE", "file",
         aliases=("-o",), own=True),
    Flag("sidecar", OUTPUT, "the geometry beside --output too, for DIALS (.expt) and CrystFEL (.geom)", own=True),
    Flag("smv-dialect", OUTPUT, "whose reading of BEAM_CENTER_X and _Y SMV headers follow", "PROGRAM", "word",
         choices=("nanobragg", "dials"), default="nanobragg; of --output dials", own=True),
    _count("images", OUTPUT, "successive images in --output, each of -osc; the next begins where one ends",
           default="1", own=True),
    Flag("truth", OUTPUT, "ground truth, HDF5; photons and middle of each reflection, the strongest of each pixel",
         "FILE", "file", own=True),
    Flag("resume", OUTPUT, "compute only those of --images that are not there yet", own=True),
    Flag("counts", OUTPUT, "random counts in --output in place of expected photons; -seed is their seed", own=True),
    _count("saturation", OUTPUT, "counts that a pixel of --output holds at most", own=True,
           default="that of --detector; of the format"),
    _file("floatfile", OUTPUT, "raw float32 image, photons", "-floatimage"),
    _file("intfile", OUTPUT, "SMV image, scaled", "-intimage"),
    _file("pgmfile", OUTPUT, "PGM picture", "-pgmimage"),
    _file("noisefile", OUTPUT, "SMV image with photon noise", "-noiseimage"),
    Flag("nonoise", OUTPUT, "write no noise image"),
    Flag("nopgm", OUTPUT, "write no PGM picture"),
    Flag("scale", OUTPUT, "scale of the SMV image", "SCALE", check=POSITIVE, default="55000/brightest"),
    Flag("pgmscale", OUTPUT, "scale of the PGM picture", "SCALE", check=POSITIVE, default="250/(5 rms)"),
    Flag("adc", OUTPUT, "offset of the SMV images", "OFFSET", default="40", aliases=("-adc…",)),
    _seed("seed", OUTPUT, "seed of the photon noise", "a fresh one, which log and header say"),
    Flag("printout", OUTPUT, "print pixel values"),
    Flag("printout_pixel", OUTPUT, "the one pixel to print, along fast and slow", "FAST SLOW", "whole", "pixels",
         NOT_NEGATIVE),
    Flag("progress", OUTPUT, "show a progress bar; the default on a terminal"),
    Flag("noprogress", OUTPUT, "show no progress bar"),

    Flag("compat", OWN, "simulate as the C program does, its known errors included", own=True),
    Flag("method", OWN, "spots; reflection by reflection, -osc and what is Gaussian in closed form, gauss spots alone",
         "METHOD", "word", choices=("samples", "spots"), default="spots with --mosaic-gauss and its like", own=True),
    Flag("samples", OWN, "how many samples stand for what is Gaussian, where it is not in closed form", "COUNT",
         "whole", check=AT_LEAST_ONE, default="4096", own=True),
    Flag("tolerance", OWN, "how far a reflection's way, in its spot's standard deviations, may be from a straight one "
         "by spots; less cuts finer what is wide", "DISTANCE", check=POSITIVE, default="0.2", own=True),
    Flag("precision", OWN, "arithmetic", "PRECISION", "word", choices=("mixed", "float32", "float64"), default="mixed",
         own=True),
    Flag("device", OWN, "where to compute; cpu, gpu, …", "DEVICE", "word", default="JAX's choice", own=True),
    Flag("devices", OWN, "how many of JAX's devices share the image", "COUNT", "whole", check=AT_LEAST_ONE, default="1",
         own=True),
    Flag("png", OWN, "picture for a quick look", "FILE", "file", own=True),
    Flag("memory-limit", OWN, "memory to keep to: smaller blocks, or an error; 4G, 500M, 2GiB, bytes", "SIZE", "size",
         own=True),
    Flag("quiet", OWN, "print errors alone, and warnings that the image may be wrong", own=True),
    Flag("help", OWN, "show this page", aliases=("-h", "-help"), own=True),

    Flag("stolout", NO_EFFECT, "output file", "FILE", "file", no_effect=True),
    Flag("coherent", NO_EFFECT, "coherent addition", no_effect=True),
    Flag("density", NO_EFFECT, "density of the crystal", "DENSITY", no_effect=True),
    Flag("MW", NO_EFFECT, "molecular weight", "WEIGHT", aliases=("-molec…",), no_effect=True),
)
# fmt: on

_BY_WORD = {word: flag for flag in FLAGS for word in flag.words if not word.endswith("…")}
_BY_PREFIX = {word[:-1]: flag for flag in FLAGS for word in flag.words if word.endswith("…")}


def find_flag(word: str) -> Flag | None:
    """Find the flag that an argument spells: exactly, or by one of the few prefixes.

    Args:
        word: One argument of the command line, dashes included.

    Returns:
        The flag, or None.
    """
    if word in _BY_WORD:
        return _BY_WORD[word]
    return next((flag for prefix, flag in _BY_PREFIX.items() if word.startswith(prefix)), None)


def spellings() -> dict[str, Flag]:
    """Every spelling of every flag, prefixes without their ellipsis; for suggestions."""
    return _BY_WORD | _BY_PREFIX
