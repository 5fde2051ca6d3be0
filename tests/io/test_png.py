"""Pictures: read back with matplotlib, so that what is asserted is what a person sees."""

import builtins
import os

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.png import write_png

pytest.importorskip("matplotlib")
import matplotlib.image

AXES = (slice(60, -130), slice(150, -240))  # well within the image proper: no frame, label or colour bar


def drawn(path, image, **options) -> np.ndarray:
    """The brightness, 0…1, of the picture's dots."""
    write_png(path, image, **options)
    return matplotlib.image.imread(path)[..., :3].mean(axis=2)


def test_one_bright_pixel_of_a_large_image_is_drawn(tmp_path):
    image = np.zeros((2527, 2463))
    image[1300, 1200] = 50.0
    dots = drawn(tmp_path / "a.png", image)[AXES]
    dark = np.argwhere(dots < 0.1)
    assert 1 <= len(dark) <= 9
    assert (dots > 0.99).mean() > 0.999


def test_slow_runs_down_and_fast_to_the_right(tmp_path):
    image = np.zeros((64, 64))
    image[:16, 32:48] = 9.0
    dots = drawn(tmp_path / "a.png", image)[AXES]
    slow, fast = np.argwhere(dots < 0.1).mean(axis=0) / dots.shape
    assert slow < 0.25
    assert fast > 0.5


def test_dark_ground_on_request(tmp_path):
    image = np.zeros((64, 64))
    image[20:24, 20:24] = 9.0
    dots = drawn(tmp_path / "a.png", image, colors="inferno")[AXES]
    assert np.median(dots) < 0.05
    assert dots.max() > 0.8


def test_weak_spots_show_beside_strong_ones(tmp_path):
    image = np.zeros((64, 64))
    image[20:24, 20:24] = 1e4
    image[40:44, 40:44] = 1e2
    dots = drawn(tmp_path / "a.png", image)[AXES]
    assert ((dots > 0.5) & (dots < 0.9)).sum() > 100


def test_upper_and_power_set_the_scale(tmp_path):
    linear = drawn(tmp_path / "a.png", np.full((8, 8), 5.0), upper=10.0, power=1.0)[AXES]
    np.testing.assert_allclose(linear[::40, ::40].max(), 0.5, atol=0.01)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8)),
        np.full((5, 4), np.nan),
        np.full((5, 4), -3.0),
        np.array([[np.inf, 1.0], [np.nan, -1.0]]),
        np.ones((1, 1), np.uint16),
        np.ones((3, 4000)),
        np.full((4, 4), 1e-30),
    ],
    ids=["zeros", "nan", "negative", "mixed", "one", "strip", "tiny"],
)
def test_odd_images_are_drawn(tmp_path, image):
    dots = drawn(tmp_path / "a.png", image, title="$ not mathematics_{ \\")
    assert min(dots.shape) > 100
    assert dots.min() < 0.1  # the axes at least
    assert os.listdir(tmp_path) == ["a.png"]


def test_unknown_pixels_are_light_blue(tmp_path):
    write_png(tmp_path / "a.png", np.full((5, 4), np.nan))
    picture = matplotlib.image.imread(tmp_path / "a.png")
    np.testing.assert_allclose(
        picture[picture.shape[0] // 2, picture.shape[1] // 2, :3], [0.678, 0.847, 0.902], atol=0.01
    )


def test_no_global_state(tmp_path):
    import sys

    before = "matplotlib.pyplot" in sys.modules
    write_png(tmp_path / "a.png", np.eye(4))
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_errors(tmp_path, monkeypatch):
    with pytest.raises(FileError, match="does not exist"):
        write_png(tmp_path / "none" / "a.png", np.eye(4))
    with pytest.raises(ValueError, match="Argument `image`"):
        write_png(tmp_path / "a.png", np.ones(4))
    true_import = builtins.__import__

    def without_matplotlib(name, *arguments, **keywords):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return true_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(FileError, match=r"pip install 'jaxbragg\[plot\]'"):
        write_png(tmp_path / "a.png", np.eye(4))
    assert os.listdir(tmp_path) == []
