"""What a person sees: gaps grey, rings where the resolution is, the beam's cross, panels in their places."""

import numpy as np
import pytest
from geometries import experiment_of
from view_cases import place_of, rotation

import jaxbragg as jb
from jaxbragg.io.errors import FileError
from jaxbragg.view import Look, predict_spots, show, write_view
from jaxbragg.view.canvas import canvas_of

pytest.importorskip("matplotlib")
PILATUS = "-cell 50 -default_F 1 --detector pilatus-300k -distance 200"


def test_the_cross_is_where_the_beam_is_and_rings_have_their_resolution():
    experiment, _ = rotation()
    figure = show(np.zeros((240, 300)), experiment)
    axes = figure.axes[0]
    (cross,) = [line for line in axes.lines if line.get_marker() == "+"]
    x, y = float(cross.get_xdata()[0]), float(cross.get_ydata()[0])
    panel, beam = experiment.detector, np.asarray(experiment.beam.direction, float)
    place = place_of(panel, y + 0.5, x + 0.5)
    np.testing.assert_allclose(place / np.linalg.norm(place), beam, atol=1e-9)
    rings = [ring for ring in axes.collections if hasattr(ring, "levels")]
    assert rings
    for level, path in zip(rings[0].levels, rings[0].get_paths(), strict=True):
        for fast, slow in path.vertices[:: max(len(path.vertices) // 20, 1)]:
            ray = place_of(panel, slow + 0.5, fast + 0.5)
            spacing = float(experiment.beam.wavelength) / np.linalg.norm(ray / np.linalg.norm(ray) - beam)
            assert spacing == pytest.approx(level, rel=2e-3)
    assert not [ring for ring in show(np.zeros((240, 300)), experiment, Look(rings=False)).axes[0].collections
                if hasattr(ring, "levels")]  # fmt: skip


def test_spots_are_marked_and_named():
    experiment, _ = rotation()
    spots = predict_spots(experiment.crystal, experiment.beam, experiment.detector, experiment.scan, d_min=3)
    axes = show(np.zeros((240, 300)), experiment, Look(labels=True), spots).axes[0]
    (marks,) = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(marks.get_xdata(), spots.fast - 0.5)
    np.testing.assert_allclose(marks.get_ydata(), spots.slow - 0.5)
    assert {text.get_text() for text in axes.texts} >= {" ".join(map(str, hkl)) for hkl in spots.hkl}


def test_panels_are_seen_along_the_beam_in_their_places():
    experiment = experiment_of("panels")
    image = np.stack([np.full((40, 60), i + 1.0) for i in range(4)])
    canvas = canvas_of(image, experiment.detector, np.asarray(experiment.beam.direction, float))
    assert canvas.unit == "mm"
    assert {1.0, 2.0, 3.0, 4.0} >= set(np.unique(canvas.image[np.isfinite(canvas.image)]))
    left, _, _, top = canvas.extent

    def seen(panel, slow, fast):
        x, y = canvas.place(np.array([panel]), np.array([slow]), np.array([fast]))
        return canvas.image[int((y[0] - top) / 0.2), int((x[0] - left) / 0.2)]

    assert seen(2, 15.5, 30.5) == 3
    assert seen(3, 20.5, 30.5) == 4
    assert np.isnan(seen(3, 11.0, 30.5))  # the gap
    x, y = canvas.place(np.zeros(1, int), np.array([3.5]), np.array([5.5]))
    place = place_of(experiment.detector.panels[0], 3.5, 5.5) * 1e3
    beam = np.asarray(experiment.beam.direction, float)
    assert np.hypot(x, y)[0] == pytest.approx(np.linalg.norm(place - (place @ beam) * beam))
    figure = show(image, experiment)
    assert figure.axes[0].get_xlabel() == "[mm]"


def test_gaps_are_grey(tmp_path):
    import matplotlib.image

    experiment = jb.read_experiment(PILATUS.split())[0]
    write_view(tmp_path / "a.png", np.zeros((619, 487)), experiment, Look(rings=False))
    dots = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    grey = np.abs(dots - np.array([211, 211, 211]) / 255).max(axis=2) < 0.01
    assert grey.mean() == pytest.approx(2 * 17 / 619 * 0.6, abs=0.02)


@pytest.mark.parametrize("scale", ["power", "log", "sqrt", "linear"])
def test_scales_go_from_light_to_dark(scale, tmp_path):
    import matplotlib.image

    image = np.tile(10.0 ** np.linspace(0, 4, 400), (400, 1))
    write_view(tmp_path / "a.png", image, look=Look(scale=scale, percentile=100))
    dots = matplotlib.image.imread(tmp_path / "a.png")[300:800, 200:-260, :3].mean(axis=2)
    row = dots[200]
    assert (np.diff(row) <= 1e-6).all()
    assert row[0] - row[-1] > 0.5


def test_what_cannot_be_is_refused(tmp_path, monkeypatch):
    experiment, _ = rotation()
    with pytest.raises(ValueError, match=r"must have the detector's shape \(240, 300\), but has shape \(3, 4\)"):
        show(np.zeros((3, 4)), experiment)
    import builtins

    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FileError, match=r"needs matplotlib: pip install 'jaxbragg\[plot\]'"):
        write_view(tmp_path / "a.png", np.zeros((3, 4)))
