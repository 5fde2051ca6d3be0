"""The random numbers of the C program, against the book's listing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg.models.minimal_standard import MinimalStandard, rotations


class NumericalRecipes:
    """ran1 as in Numerical Recipes in C, 2nd edition, §7.1, line by line."""

    IA, IM, IQ, IR, NTAB = 16807, 2147483647, 127773, 2836, 32
    NDIV = 1 + (IM - 1) // NTAB
    AM, RNMX = 1.0 / IM, np.float32(1.0 - 1.2e-7)

    def __init__(self, seed):
        self.idum, self.iy, self.iv = seed, 0, [0] * self.NTAB

    def schrage(self):
        k = self.idum // self.IQ
        self.idum = self.IA * (self.idum - k * self.IQ) - k * self.IR
        if self.idum < 0:
            self.idum += self.IM

    def ran1(self):
        if self.idum <= 0 or not self.iy:
            self.idum = 1 if -self.idum < 1 else -self.idum
            for j in range(self.NTAB + 7, -1, -1):
                self.schrage()
                if j < self.NTAB:
                    self.iv[j] = self.idum
            self.iy = self.iv[0]
        self.schrage()
        j = self.iy // self.NDIV
        self.iy = self.iv[j]
        self.iv[j] = self.idum
        temp = np.float32(self.AM * self.iy)
        return min(temp, self.RNMX)


@pytest.mark.parametrize("seed", [-1, -2, -12345678, -2147483646, -987654321, 0])
def test_the_stream_is_that_of_the_book(seed):
    ours, book = MinimalStandard(seed), NumericalRecipes(seed)
    found, wanted = ([draw() for _ in range(500)] for draw in (ours.uniform, book.ran1))
    assert found == wanted
    assert all(isinstance(x, np.float32) for x in found)


def test_the_first_number_of_seed_one():
    # The book's own generator gives 0.415999 for idum = −1.
    assert abs(float(MinimalStandard(-1).uniform()) - 0.41599935) < 1e-7


@given(st.integers(-(2**31) + 2, 2**31 - 2))
def test_the_sign_of_the_seed_does_not_matter_and_numbers_are_between_0_and_1(seed):
    one, other = MinimalStandard(seed), MinimalStandard(-seed)
    for _ in range(20):
        number = one.uniform()
        assert number == other.uniform()
        assert 0 < number < 1


def test_the_numbers_are_uniform():
    stream = MinimalStandard(12345678)
    drawn = np.array([stream.uniform() for _ in range(20_000)])
    # Mean ½ ± 4/√(12 n), and 20 bins within 5 σ of 1000.
    assert abs(drawn.mean() - 0.5) < 4 / np.sqrt(12 * 20_000)
    assert np.abs(np.histogram(drawn, 20, (0, 1))[0] - 1000).max() < 5 * np.sqrt(1000)


@pytest.mark.parametrize("seed", [1, 12345678])
def test_rotations_are_the_formula_of_three_draws_each(seed):
    axes, shares = rotations(seed, 50)
    book = NumericalRecipes(-seed)
    for axis, share in zip(axes, shares, strict=True):
        r1, r2, r3 = (2 * np.float64(book.ran1()) - 1 for _ in range(3))
        level = np.sqrt(1 - r2 * r2)
        wanted = [level * np.sin(np.pi * r1), level * np.cos(np.pi * r1), r2]
        np.testing.assert_allclose(axis, wanted, rtol=0, atol=1e-6)
        # The power is taken in float32.
        np.testing.assert_allclose(share, (1 - r3 * r3) ** (1 / 3), rtol=1e-5, atol=1e-3 if abs(r3) > 0.999 else 1e-6)


def test_axes_are_unit_vectors_and_shares_are_float32_numbers():
    axes, shares = rotations(7, 300)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(shares, shares.astype(np.float32))
    assert (shares >= 0).all()
    assert (shares <= 1).all()


@pytest.mark.parametrize("seed", [0, 2**31 - 1, -(2**31 - 1), 3 * (2**31 - 1)])
def test_seeds_that_the_generator_maps_to_zero_count_as_one(seed):
    np.testing.assert_array_equal(rotations(seed, 5)[0], rotations(1, 5)[0])
