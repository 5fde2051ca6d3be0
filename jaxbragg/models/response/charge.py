"""Charge of single photons, which is shared between pixels by where in its pixel a photon hits."""

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import ndtr

from jaxbragg.models import checks
from jaxbragg.models.response.abstract import AbstractStep, Signal
from jaxbragg.models.response.chance import AbstractChance, HostChance, KeyedChance
from jaxbragg.models.response.spread import along_both, radius_of

_NODES = 96  # of Gauss and Legendre over a pixel
_MANY = 128  # photons of a pixel, above which the sum of their charges is a Gaussian
_AT_ONCE = 1 << 20  # photons


class PhotonCharge(AbstractStep):
    """Charge of counted photons, each a Gaussian cloud from where it hits, evenly anywhere in its pixel.

    It belongs after `Counting`, which makes whole photons of a mean. On average it is `ChargeSharing`. Images are drawn
    photon by photon, in pixels of more than 128 photons as a Gaussian of the same means and covariances, by which a
    pixel beside a lone bright one may read a little below 0. That takes about a third of a microsecond a photon with
    numpy's random numbers; with JAX's, as many passes over the image as its brightest pixel has photons, up to 128.

    Attributes:
        sigma: Standard deviation of the cloud [pixels].
        radius: Pixels to each side that it reaches; what would come farther is put into these.
    """

    sigma: Float[Array, ""]
    radius: int = eqx.field(static=True)

    def __init__(self, sigma: Any, radius: int | None = None) -> None:
        """Check and keep the width.

        Args:
            sigma: [pixels].
            radius: None for five standard deviations.

        Raises:
            ValueError: If the width is not positive, or the radius not a whole number of at least 1.
        """
        self.sigma = checks.leaf("sigma", sigma)
        self.radius = radius_of(radius, "sigma", self.sigma, 5.0, more=0)

    def __check_init__(self) -> None:
        """Raise a ValueError for a value that cannot be."""
        checks.positive("sigma", self.sigma)

    def expected(self, signal: Signal) -> Signal:
        """See `AbstractStep.expected`: of n photons on average there come n E[s²] beside what n varies of itself."""
        mean, products = self._moments()
        squares = jnp.diagonal(products)
        own = along_both(signal.mean, squares) - along_both(signal.mean, mean * mean)
        return Signal(along_both(signal.mean, mean), along_both(signal.variance, mean * mean) + own)

    def drawn(self, image: Any, chance: AbstractChance) -> Any:
        """See `AbstractStep.drawn`.

        Raises:
            ValueError: If the image is not of whole photons; where it is traced, pixels that are not give NaN.
        """
        known = checks.known(image)
        if known is not None and not (known == np.rint(known)).all():
            raise ValueError("Argument `photons` must be whole where charge is shared by each: put Counting before.")
        if isinstance(chance, HostChance):
            return self._drawn_on_host(np.asarray(image), chance)
        assert isinstance(chance, KeyedChance)
        return self._drawn_by_keys(jnp.asarray(image), chance)

    def _moments(self) -> tuple[Float[Array, "tap"], Float[Array, "tap tap"]]:
        """E[s] and E[s sᵀ] of the shares along one axis, over all places in the pixel."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        shares = _shares(jnp.asarray(0.5 + 0.5 * nodes), self.sigma, self.radius, jax.scipy.special.ndtr, jnp)
        half = jnp.asarray(0.5 * weights)
        return shares @ half, (shares * half) @ shares.T

    def _root(self) -> Float[Array, "taps2 taps2"]:
        """A root of the covariance of the shares of one photon, over the pixels about its own."""
        mean, products = self._moments()
        first = jnp.outer(mean, mean)
        values, vectors = jnp.linalg.eigh(jnp.kron(products, products) - jnp.kron(first, first))
        return vectors * jnp.sqrt(jnp.maximum(values, 0.0))

    def _drawn_on_host(self, image: np.ndarray, chance: HostChance) -> np.ndarray:
        planes, taps = image.reshape(-1, *image.shape[-2:]), 2 * self.radius + 1
        size = (planes.shape[1] + 2 * self.radius, planes.shape[2] + 2 * self.radius)
        padded = np.zeros((len(planes), *size))
        random, whole = chance.generator(), padded.reshape(-1)
        plane, slow, fast = np.nonzero(planes)
        counts, corner = planes[plane, slow, fast], (plane * size[0] + slow) * size[1] + fast
        many = counts > _MANY
        places = np.repeat(corner[~many], counts[~many].astype(np.int64))
        steps = (np.arange(taps)[:, None] * size[1] + np.arange(taps)).ravel()
        for first in range(0, len(places), _AT_ONCE):
            some = places[first : first + _AT_ONCE]
            down, across = (_shares(random.random(len(some)), float(self.sigma), self.radius, ndtr, np) for _ in "sf")
            for k, step in enumerate(steps):
                np.add.at(whole, some + step, down[k // taps] * across[k % taps])
        if many.any():
            root, (mean, _) = np.asarray(self._root()), self._moments()
            even, at_once = np.outer(mean, mean).ravel(), _AT_ONCE // taps**2
            for first in range(0, int(many.sum()), at_once):
                some, count = corner[many][first : first + at_once], counts[many][first : first + at_once, None]
                normal = random.standard_normal((len(some), taps**2))
                np.add.at(whole, some[:, None] + steps, count * even + np.sqrt(count) * (normal @ root.T))
        inner = padded[:, self.radius : -self.radius, self.radius : -self.radius]
        return inner.reshape(image.shape).astype(image.dtype)

    def _drawn_by_keys(self, image: Array, chance: KeyedChance) -> Array:
        taps = 2 * self.radius + 1
        broken = image != jnp.round(image)  # NaN, too
        image = jnp.where(broken, 0, image)
        few = jnp.where(image > _MANY, 0, image)
        around = [(0, 0)] * (image.ndim - 2) + [(self.radius, self.radius)] * 2

        def put(charge: list[Array]) -> Array:
            """Charges of every pixel's photons into the pixels about it, each shifted to its place."""
            slow, fast = image.shape[-2:]
            total = jnp.zeros_like(jnp.pad(image, around))
            for place, each in enumerate(charge):
                i, j = divmod(place, taps)
                total = total.at[..., i : i + slow, j : j + fast].add(each)
            return total[..., self.radius : -self.radius, self.radius : -self.radius]

        def one_more(state: tuple[Array, Array]) -> tuple[Array, Array]:
            number, total = state
            random = KeyedChance(jax.random.fold_in(chance.key, number))
            sigma = self.sigma.astype(image.dtype)
            down, across = (
                _shares(random.of_step(k).uniform(image), sigma, self.radius, jax.scipy.special.ndtr, jnp)
                for k in (0, 1)
            )
            there = (few > number).astype(image.dtype)
            return number + 1, total + put([there * down[i] * across[j] for i in range(taps) for j in range(taps)])

        start = (jnp.zeros((), jnp.int32), jnp.zeros_like(image))
        _, total = jax.lax.while_loop(lambda state: state[0] < few.max(), one_more, start)
        many, (mean, _) = jnp.where(image > _MANY, image, 0), self._moments()
        root = self._root().astype(image.dtype)
        normal = chance.of_step(_MANY + 1).normal(jnp.zeros((taps**2, *image.shape), image.dtype))
        even = jnp.outer(mean, mean).ravel().astype(image.dtype)
        charge = [many * even[k] + jnp.sqrt(many) * jnp.tensordot(root[k], normal, 1) for k in range(taps**2)]
        return jnp.where(broken, jnp.nan, total + put(charge))


def _shares(place: Any, sigma: Any, radius: int, ndtr: Any, xp: Any) -> Any:
    """Shares of the pixels about the one in which a photon hits at a place 0 … 1 along one axis [tap, place]."""
    edges = [ndtr((k - place) / sigma) for k in range(-radius + 1, radius + 1)]
    ends = [xp.zeros_like(edges[0]), *edges, xp.ones_like(edges[0])]
    return xp.stack([high - low for low, high in pairwise(ends)])
