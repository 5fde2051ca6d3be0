"""Chains of axes against products of rotations by scipy, in files of DIALS, and as images of the plain experiment."""

import json

import cases
import jax
import numpy as np
import pytest
from cases import in_float64, relative
from scipy.spatial.transform import Rotation

import jaxbragg as jb
from jaxbragg.io.geometry.record import Rotation as Turning
from jaxbragg.io.recording import Recording
from jaxbragg.io.sidecars import write_expt

AXES = {"omega": (0, 1, 0), "kappa": (0, 0.6, 0.8), "phi": (0.36, 0.8, 0.48)}
ANGLES = {"kappa": 40.0, "phi": -25.0}


def about(name, angle):
    return Rotation.from_rotvec(np.radians(angle) * np.array(AXES[name])).as_matrix()


@in_float64
@pytest.mark.parametrize("scanned", AXES)
def test_it_is_the_product_of_its_rotations(scanned) -> None:
    chain = jb.Goniometer(AXES, {**ANGLES, "omega": 10.0}, scanned=scanned)
    scan = jb.Scan((3.0, 71.0), goniometer=chain)
    at = {"omega": 10.0, **ANGLES}
    whole = np.asarray(scan.rotations() @ chain.mounted())
    for angle, found in zip((3.0, 71.0), whole, strict=True):
        now = {name: at[name] + (angle if name == scanned else 0.0) for name in AXES}
        wanted = about("omega", now["omega"]) @ about("kappa", now["kappa"]) @ about("phi", now["phi"])
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@in_float64
def test_tilts_move_an_axis_across_itself_and_keep_its_length() -> None:
    tilts = [[0.0, 0.0], [1.0, 0.0], [0.0, -2.0]]
    chain = jb.Goniometer(AXES, ANGLES, tilts=tilts)
    directions, axes = np.asarray(chain.directions()), np.array(list(AXES.values()))
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-12)
    angles = np.degrees(np.arccos(np.clip((directions * axes).sum(axis=1), -1, 1)))
    np.testing.assert_allclose(angles, [0.0, 1.0, 2.0], atol=1e-6)


@pytest.mark.parametrize("shape", ["square", "gauss"])
def test_the_image_is_that_of_the_crystal_turned(shape) -> None:
    chain = jb.Goniometer(AXES, ANGLES, scanned="kappa")
    crystal = cases.crystal(shape=shape)
    spot = {"width": 1.0} if shape == "gauss" else {}
    angles = 5.0 if spot else (5.0, 6.0)
    turned = jb.Scan((5.0,) if spot else angles, goniometer=chain, **spot)
    plain = jb.Scan((5.0,) if spot else angles, np.asarray(chain.spindle()), **spot)
    frame = np.asarray(chain.mounted()) @ np.asarray(crystal.frame())
    by_hand = cases.crystal(shape=shape, orientation=frame, misset=(0, 0, 0))
    found = jb.simulate(cases.experiment(crystal=crystal, scan=turned))
    assert relative(found, jb.simulate(cases.experiment(crystal=by_hand, scan=plain))) < 1e-6
    batch = jb.simulate_batch([cases.experiment(crystal=crystal, scan=turned)] * 2)
    assert relative(batch[1], found) < 1e-6


def test_a_tilt_is_recovered() -> None:
    """The misalignment of one axis, from an image."""

    def experiment(tilt):
        chain = jb.Goniometer(AXES, ANGLES, tilts=[[0, 0], [tilt, 0], [0, 0]])
        beam, scan = jb.Beam(1.1, fluence=1e28), jb.Scan((5.0,), goniometer=chain)
        water = jb.AmorphousBackground.water(3e-8)
        return cases.experiment(crystal=cases.crystal(shape="gauss"), scan=scan, beam=beam, background=water)

    measured = np.random.default_rng(0).poisson(np.asarray(jb.simulate(experiment(0.4)), float))
    name = "scan.goniometer.tilts[1,0]"
    result = jb.refine.fit(jb.refine.Problem(experiment(0.3), [name], measured))
    assert abs(result.values[name] - 0.4) < 4 * result.uncertainties[name] < 0.1


@in_float64
def test_a_file_of_dials_has_the_chain(tmp_path) -> None:
    chain = jb.Goniometer(AXES, ANGLES)
    experiment = cases.experiment(scan=jb.Scan.continuous(0, 1, goniometer=chain), crystal=cases.crystal(shape="gauss"))
    path = tmp_path / "x.expt"
    write_expt(path, Recording.of(np.zeros((32, 32), np.float32), experiment, Turning(0.0, 1.0)))
    content = json.loads((tmp_path / "x.expt").read_text())["goniometer"][0]
    assert content["names"] == ["phi", "kappa", "omega"]
    assert content["scan_axis"] == 2
    assert content["angles"] == [-25.0, 40.0, 0.0]
    geometry = jb.load(tmp_path / "x.expt")
    found = geometry.experiment(experiment.structure_factors, cells=(7, 6, 5), shape="gauss")
    assert found.scan.goniometer is not None
    assert found.scan.goniometer.names == ("omega", "kappa", "phi")
    in_place = np.asarray(found.scan.mounted(found.crystal.vectors()))
    np.testing.assert_allclose(in_place, geometry.vectors, atol=1e-9)
    np.testing.assert_allclose(np.asarray(found.scan.spindle()), geometry.axis, atol=1e-12)
    # Where they stand to the beam is as before, in whichever frame.
    for one, other in zip(in_place, np.asarray(experiment.scan.mounted(experiment.crystal.vectors())), strict=True):
        assert abs(one @ geometry.direction - other @ np.asarray(experiment.beam.direction)) < 1e-6
        assert abs(one @ geometry.axis - other @ np.asarray(experiment.scan.spindle())) < 1e-6


@in_float64
def test_of_a_still_a_file_has_the_crystal_where_it_is(tmp_path) -> None:
    experiment = cases.experiment(scan=jb.Scan((0.0,), goniometer=jb.Goniometer(AXES, ANGLES)))
    path = tmp_path / "x.expt"
    write_expt(path, Recording.of(np.zeros((32, 32), np.float32), experiment, None))
    geometry = jb.load(path)
    in_place = np.asarray(experiment.scan.mounted(experiment.crystal.vectors()))
    for one, other in zip(geometry.vectors, in_place, strict=True):
        assert abs(one @ geometry.direction - other @ np.asarray(experiment.beam.direction)) < 1e-6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"axes": {}}, "at least one axis"),
        ({"axes": {"omega": (0, 0, 2)}}, "length 1"),
        ({"axes": AXES, "angles": {"chi": 3}}, "'chi'"),
        ({"axes": AXES, "scanned": "psi"}, "'psi'"),
        ({"axes": AXES, "tilts": [[60, 0]] * 3}, "less than 45"),
        ({"axes": AXES, "angles": {"phi": float("nan")}}, "finite"),
    ],
)
def test_what_cannot_be_is_refused(arguments, says) -> None:
    with pytest.raises(ValueError, match=says):
        jb.Goniometer(**arguments)


def test_a_scan_has_one_of_axis_and_goniometer() -> None:
    with pytest.raises(ValueError, match="exclude"):
        jb.Scan((0.0,), (0, 0, 1), goniometer=jb.Goniometer(AXES))


@in_float64
def test_predicted_spots_stand_where_those_of_the_turned_crystal_do() -> None:
    from jaxbragg.view.predict import predict_spots

    chain, crystal = jb.Goniometer(AXES, ANGLES), cases.crystal(mosaic=jb.CapMosaic(0.5, 2))
    frame = np.asarray(chain.mounted()) @ np.asarray(crystal.frame())
    by_hand = cases.crystal(orientation=frame, misset=(0, 0, 0), mosaic=jb.CapMosaic(0.5, 2))
    one = predict_spots(crystal, jb.Beam(1.1), cases.panel(), jb.Scan((0.0,), goniometer=chain), d_min=3.0)
    other = predict_spots(by_hand, jb.Beam(1.1), cases.panel(), jb.Scan((0.0,), (0, 1, 0)), d_min=3.0)
    assert len(one.hkl) > 3
    np.testing.assert_array_equal(one.hkl, other.hkl)
    np.testing.assert_allclose(one.slow, other.slow, atol=1e-9)


def test_the_gradient_by_every_angle_and_tilt_agrees_with_differences() -> None:
    chain = jb.Goniometer(AXES, ANGLES)
    experiment = cases.experiment(crystal=cases.crystal(shape="gauss"), scan=jb.Scan((5.0,), goniometer=chain))
    options = jb.Options(precision="float64")

    def total(angle):
        from jaxbragg.models.readable import with_fields

        turned = with_fields(chain, angles=chain.angles.at[1].add(angle), tilts=chain.tilts.at[0, 1].add(0.3 * angle))
        return jb.simulate(with_fields(experiment, scan=with_fields(experiment.scan, goniometer=turned)), options)[9, 9]

    with jax.enable_x64(True):
        found = float(jax.grad(total)(0.0))
        step = 1e-4
        wanted = (float(total(step)) - float(total(-step))) / (2 * step)
    assert abs(found / wanted - 1) < 1e-5
