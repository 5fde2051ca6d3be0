"""The stretch of the rotation that each event stands for, and the angle at which it is looked at; differentiable."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbragg.pipeline.spots.listing import Events
from jaxbragg.pipeline.spots.parts import Part
from jaxbragg.pipeline.spots.reflections import passage


class Stretch(NamedTuple):
    """Angles of some events [rad].

    Attributes:
        phi: At which the event is looked at: where it meets the sphere, or the middle of a piece.
        low, high: From where to where it goes.
        share: Of the whole rotation.
    """

    phi: Float[Array, "event"]
    low: Float[Array, "event"]
    high: Float[Array, "event"]
    share: Float[Array, "event"]


def stretch_of(part: Part, events: Events, *, turns: bool) -> Stretch:
    """The stretch of each event.

    Ends between two pieces are held fixed: what one piece loses the next one has.

    Args:
        part: That of each event.
        events: The events.
        turns: Whether the crystal turns.
    """
    if not turns:
        phi = jnp.broadcast_to(part.start, events.side.shape)
        return Stretch(phi, phi, phi, jnp.ones_like(phi))
    way = passage(part, events.hkl, events.side)
    reach, pieces, piece = events.reach, events.pieces, events.piece
    step = (reach.high - reach.low) / jnp.maximum(pieces, 1)
    phi = jnp.where(pieces > 1, reach.low + (piece + 0.5) * step, way.phi)
    low = jnp.where(piece == 0, way.low, jnp.maximum(way.low, reach.low + piece * step))
    high = jnp.where(piece == pieces - 1, way.high, jnp.minimum(way.high, reach.low + (piece + 1) * step))
    return Stretch(phi, low, high, jnp.maximum(high - low, 0.0) / (part.end - part.start))
