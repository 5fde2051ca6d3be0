"""Detectors by name, against pyFAI's list; sensors against NIST's tables."""

import numpy as np
import pytest

from jaxbragg.models.detector.attenuation import attenuation_depth
from jaxbragg.models.detector.catalogue import PRODUCTS, product_named

# Pixels along slow and fast, their size [m], and how many lie in gaps: pyFAI 2026.9.0, max_shape, pixel1, calc_mask().
PYFAI = {
    "pilatus-100k": (195, 487, 172e-6, 0),
    "pilatus-300k": (619, 487, 172e-6, 16558),
    "pilatus-300kw": (195, 1475, 172e-6, 2730),
    "pilatus-1m": (1043, 981, 172e-6, 73533),
    "pilatus-2m": (1679, 1475, 172e-6, 197365),
    "pilatus-6m": (2527, 2463, 172e-6, 526101),
    "pilatus4-260k": (530, 513, 150e-6, 10260),
    "pilatus4-1m": (1080, 1033, 150e-6, 69120),
    "pilatus4-2m": (1630, 1553, 150e-6, 176720),
    "pilatus4-4m": (2180, 2073, 150e-6, 333060),
    "eiger-500k": (514, 1030, 75e-6, 0),
    "eiger-1m": (1065, 1030, 75e-6, 38110),
    "eiger-4m": (2167, 2070, 75e-6, 250330),
    "eiger-9m": (3269, 3110, 75e-6, 637030),
    "eiger-16m": (4371, 4150, 75e-6, 1198210),
    "eiger2-500k": (512, 1028, 75e-6, 0),
    "eiger2-1m": (1062, 1028, 75e-6, 39064),
    "eiger2-4m": (2162, 2068, 75e-6, 260328),
    "eiger2-9m": (3262, 3108, 75e-6, 664248),
    "eiger2-16m": (4362, 4148, 75e-6, 1250824),
    "jungfrau-1m": (1064, 1030, 75e-6, 37080),
    "jungfrau-4m": (2164, 2068, 75e-6, 239792),
    "eiger2-1mw": (512, 2068, 75e-6, 6144),
    "eiger2-2mw": (512, 4148, 75e-6, 18432),
    "eiger2-cdte-500k": (512, 1028, 75e-6, 1024),
    "eiger2-cdte-1m": (1062, 1028, 75e-6, 41112),
    "eiger2-cdte-4m": (2162, 2068, 75e-6, 268520),
    "eiger2-cdte-9m": (3262, 3108, 75e-6, 682680),
    "eiger2-cdte-16m": (4362, 4148, 75e-6, 1283592),
    "eiger2-cdte-1mw": (512, 2068, 75e-6, 8192),
    "eiger2-cdte-2mw": (512, 4148, 75e-6, 22528),
    "pilatus-cdte-300k": (619, 487, 172e-6, 18313),
    "pilatus-cdte-300kw": (195, 1475, 172e-6, 4485),
    "pilatus-cdte-1m": (1043, 981, 172e-6, 79383),
    "pilatus-cdte-2m": (1679, 1475, 172e-6, 211405),
    "pilatus4-cdte-260k": (530, 513, 150e-6, 10770),
    "pilatus4-cdte-260kw": (255, 1033, 150e-6, 2295),
    "pilatus4-cdte-1m": (1080, 1033, 150e-6, 71160),
    "pilatus4-cdte-2m": (1630, 1553, 150e-6, 181310),
    "pilatus4-cdte-4m": (2180, 2073, 150e-6, 341220),
}
# Middle columns of a module that are missing: pyFAI 2026.9.0, calc_mask() of the smallest of each family.
SPLITS = {"pilatus-cdte-300k": [242, 243, 244], "pilatus4-cdte-260k": [256], "eiger2-cdte-500k": [513, 514]}


@pytest.mark.parametrize("name", PYFAI)
def test_sizes_and_gaps_are_pyfais(name):
    slow, fast, size, in_gaps = PYFAI[name]
    product = PRODUCTS[name]
    assert product.pixels == (slow, fast)
    assert product.pixel_size == pytest.approx(size, rel=1e-12)
    mask = product.mask()
    assert (mask is None) == (in_gaps == 0)
    if mask is not None:
        assert mask.shape == (slow, fast)
        assert (~mask).sum() == in_gaps
        # It begins and ends with a module.
        assert mask[0, 0]
        assert mask[-1, -1]


@pytest.mark.parametrize("name", SPLITS)
def test_sensors_of_cadmium_telluride_leave_columns_out(name):
    mask, module = PRODUCTS[name].mask(), PRODUCTS[name].module
    assert mask is not None
    assert np.flatnonzero(~mask[: module[0]].all(axis=0)).tolist() == SPLITS[name]
    assert PRODUCTS[name].material == "CdTe"


def test_names_are_told_apart_without_dashes():
    plain = [name.replace("-", "") for name in PRODUCTS]
    assert len(set(plain)) == len(plain)
    assert product_named("ePix10k2M") is PRODUCTS["epix10k-2m"]
    assert product_named("EIGER2 CdTe 1M") is PRODUCTS["eiger2-cdte-1m"]


def test_only_the_counter_that_is_known_is_full():
    full = {product.saturation for name, product in PRODUCTS.items() if name.startswith(("pilatus-", "pilatus-cdte"))}
    assert full == {1048575}  # 20 bits
    assert all(p.saturation is None for name, p in PRODUCTS.items() if not name.startswith("pilatus-"))


def test_names_and_words():
    assert all(name == name.lower() and " " not in name for name in PRODUCTS)
    said = "2463 × 2527 pixels of 0.172 mm, 320 µm of Si, modules of 487 × 195, at most 1048575 counts"
    assert str(PRODUCTS["pilatus-6m"]) == said
    for name in ("agipd-1m", "epix10k-2m"):
        assert "nominal places" in str(PRODUCTS[name])
        assert "--geometry x.geom has the real ones" in str(PRODUCTS[name])
    assert "phosphor" in str(PRODUCTS["adsc-q315"])


# Mass energy-absorption coefficients [cm²/g]: Hubbell & Seltzer, NISTIR 5632, silicon.
@pytest.mark.parametrize(("energy", "absorption"), [(8e3, 63.13), (10e3, 32.89), (15e3, 9.794), (20e3, 4.076)])
def test_silicon_absorbs_as_nist_says(energy, absorption):
    depth = attenuation_depth("Si", 12398.4198 / energy)
    np.testing.assert_allclose(depth, 0.01 / (absorption * 2.329), rtol=0.03)


# Attenuation depth by photoelectric absorption alone [µm]: xraylib 4.2.0, CS_Photo_CP("CdTe"), 5.85 g/cm³.
@pytest.mark.parametrize(
    ("energy", "depth"), [(10, 12.626), (20, 84.883), (26, 177.55), (30, 81.249), (40, 91.185), (80, 618.75)]
)
def test_cadmium_telluride_absorbs_as_xraylib_says(energy, depth):
    np.testing.assert_allclose(attenuation_depth("CdTe", 12.3984198 / energy), depth * 1e-6, rtol=0.02)


def test_cadmium_telluride_stops_more_beyond_its_edge():
    above, below = (attenuation_depth("CdTe", 12.3984198 / energy) for energy in (27.0, 26.5))
    assert above < 0.75 * below


@pytest.mark.parametrize(("material", "wavelength", "message"), [("Ge", 1.0, "one of Si"), ("Si", 0.0, "positive")])
def test_what_cannot_be_is_named(material, wavelength, message):
    with pytest.raises(ValueError, match=message):
        attenuation_depth(material, wavelength)
