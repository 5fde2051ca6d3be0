"""The comparison of two images, in lines for people and in numbers for programs."""

from __future__ import annotations

from typing import Any

from jaxbragg.compare.images import ImageComparison


def lines_about(found: ImageComparison) -> list[str]:
    """What the comparison found, one line each."""
    slow, fast = found.max_place
    peaks = found.peaks
    matched = f"{len(peaks.pairs)} of the {len(peaks.a)} brightest of A are among the {len(peaks.b)} of B"
    if len(peaks.pairs):
        matched += f", {peaks.distances.mean():.3g} pixels apart on average, {peaks.distances.max():.3g} at most"
    alone = found.num_nan - found.num_nan_both
    left_out = f", {found.num_nan} not finite and left out ({alone} in one image alone)" if found.num_nan else ""
    return [
        f"pixels: {found.num_pixels} compared{left_out}",
        f"correlation: {found.correlation:.9f}",
        f"sums: {found.sum_a:.9g} in A, {found.sum_b:.9g} in B, B / A = {found.sum_ratio:.9g}",
        f"RMS difference: {found.rms:.6g}",
        f"largest difference, B − A: {found.max_difference:.6g} at slow {slow}, fast {fast}",
        f"spots: {matched}",
    ]


def image_metrics(found: ImageComparison, failures: list[str]) -> dict[str, Any]:
    """The comparison as plain numbers, for metrics.json."""
    peaks, profile = found.peaks, found.profile
    names = ("num_pixels", "num_nan", "num_nan_both", "correlation", "sum_a", "sum_b", "sum_ratio", "rms")
    names += ("max_difference",)
    pairs = zip(peaks.a[peaks.pairs[:, 0]].tolist(), peaks.b[peaks.pairs[:, 1]].tolist(), peaks.distances, strict=True)
    return {
        **{name: getattr(found, name) for name in names},
        "max_place": {"slow": found.max_place[0], "fast": found.max_place[1]},
        "peaks": {
            "num_a": len(peaks.a),
            "num_b": len(peaks.b),
            "num_matched": len(peaks.pairs),
            "matched": [{"a": a, "b": b, "distance_pixels": float(distance)} for a, b, distance in pairs],
        },
        "radial_profile": {
            "center": {"slow": profile.center[0], "fast": profile.center[1]},
            "radius_pixels": profile.radius.tolist(),
            "resolution_A": None if profile.resolution is None else profile.resolution.tolist(),
            "num_pixels": profile.pixels.tolist(),
            "ratio": profile.ratio.tolist(),
        },
        "failures": failures,
    }
