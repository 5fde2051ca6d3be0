"""Numbers with uncertainties, as the International Union of Crystallography writes them."""

import math

import pytest

from jaxbragg.refine.number_text import with_uncertainty


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (55.00312, 0.0123, "55.003(12)"),
        (-0.5, 0.21, "-0.50(21)"),
        (12.34, 1.42, "12.3(1.4)"),
        (1234.5, 56.7, "1234(57)"),
        (1234.5, 567.0, "1234(567)"),
        (9.0, 0.0996, "9.00(10)"),
        (1.00123e27, 3.4e24, "1.0012(34)e27"),
        (2.5e-7, 1e-8, "2.50(10)e-7"),
        (0.0, 0.012, "0.000(12)"),
        (55.0, math.nan, "55"),
        (55.0, 0.0, "55"),
    ],
)
def test_two_digits_of_the_uncertainty(value, sigma, text):
    assert with_uncertainty(value, sigma) == text
