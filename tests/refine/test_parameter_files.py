"""All numbers of an experiment in one file, and back."""

import jax
import numpy as np
import pytest

import jaxbragg as jb
from jaxbragg.io import FileError
from jaxbragg.refine.parameter_files import parameters_of, read_parameters, write_parameters


def test_every_array_comes_back_to_the_last_digit(small, tmp_path):
    write_parameters(tmp_path / "truth.npz", small.truth)
    again = read_parameters(tmp_path / "truth.npz", small.start)
    assert jax.tree.structure(again) == jax.tree.structure(small.truth)
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(small.truth), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(jb.simulate(again), jb.simulate(small.truth))


def test_arrays_go_by_the_paths_of_parameters(small):
    from jaxbragg.refine import known_paths

    two = small.still(panels=2)
    names = parameters_of(two)
    assert {"crystal.cell.a", "detector.panels[1].origin", "beam.sources.weights"} <= names.keys()
    derived = ("rotation", "shift", "distance", "beam_center", "vectors")
    assert {p for p in known_paths(two) if not p.startswith("image.") and not p.endswith(derived)} <= names.keys()


def test_an_orientation_is_taken_over(small, tmp_path):
    turned = jb.Experiment(
        beam=small.truth.beam,
        crystal=jb.Crystal.from_vectors(np.asarray(small.truth.crystal.vectors()), cells=10.0, shape="gauss"),
        detector=small.truth.detector,
        structure_factors=small.truth.structure_factors,
    )
    write_parameters(tmp_path / "turned.npz", turned)
    again = read_parameters(tmp_path / "turned.npz", small.truth)
    np.testing.assert_allclose(again.crystal.vectors(), small.truth.crystal.vectors(), atol=1e-12)


def test_a_file_that_does_not_fit_is_named(small, tmp_path):
    path = tmp_path / "one.npz"
    write_parameters(path, small.truth)
    with pytest.raises(FileError, match=r"but detector\.panels\[0\].origin: the file lacks it"):
        read_parameters(path, small.still(panels=2))
    write_parameters(tmp_path / "two.npz", small.still(panels=2))
    with pytest.raises(FileError, match=r"but detector\.origin: the file lacks it"):
        read_parameters(tmp_path / "two.npz", small.truth)
    write_parameters(path, small.still(pixels=32, mask=np.ones((32, 32), bool)))
    shapes = r"expected detector\.mask to have the shape \(1, 64, 64\), but found \(1, 32, 32\)"
    with pytest.raises(FileError, match=shapes):
        read_parameters(path, small.still(mask=np.ones((64, 64), bool)))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileError, match="it cannot be read as that"):
        read_parameters(path, small.truth)
    with pytest.raises(FileError, match="no such file"):
        read_parameters(tmp_path / "none.npz", small.truth)
