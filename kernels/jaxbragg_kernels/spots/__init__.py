"""Gaussian spots in closed form, reflection by reflection: mosaic, bandwidth, divergence and rotation are not sampled.

Each of them moves a point of the reciprocal lattice by a Gaussian amount, to first order; so does their sum.
"""
