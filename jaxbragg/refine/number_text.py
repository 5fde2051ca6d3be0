"""Numbers with their standard uncertainties as crystallographers write them: 55.003(12)."""

import math


def with_uncertainty(value: float, sigma: float) -> str:
    """Two digits of the uncertainty in brackets, of the last digits of the value.

    >>> with_uncertainty(55.00312, 0.0123)
    '55.003(12)'
    """
    if not (math.isfinite(sigma) and sigma > 0 and math.isfinite(value)):
        return f"{value:.6g}"
    power = 0
    largest = max(abs(value), sigma)
    if largest >= 1e6 or largest < 1e-3:
        power = math.floor(math.log10(largest))
    value, sigma = value / 10.0**power, sigma / 10.0**power
    decimals = max(0, 1 - math.floor(math.log10(sigma)))
    if round(sigma * 10**decimals) >= 100 and decimals > 0:  # 0.0996 → 0.10
        decimals -= 1
    digits = round(sigma * 10**decimals)
    # An uncertainty that reaches above the decimal point carries it: 12.3(1.4).
    shown = f"{digits}" if decimals == 0 or sigma < 1 else f"{sigma:.{decimals}f}"
    text = f"{value:.{decimals}f}({shown})"
    return text if power == 0 else f"{text}e{power}"
