"""Several devices: which ones share an image, and a function of blocks spread over them."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, PartitionSpec
from jaxtyping import Array, Float

_AXIS = "device"
_Shared = TypeVar("_Shared")
_Blocks = TypeVar("_Blocks")


def usable_devices() -> list[Any]:
    """Those of the platform that is used now: `jax.default_device` may say another than JAX's first choice."""
    chosen = jax.config.jax_default_device  # type: ignore[attr-defined]
    if chosen is None:
        return jax.devices()
    return jax.devices(chosen if isinstance(chosen, str) else chosen.platform)


def check_devices(count: int | None) -> None:
    """Raise a ValueError if there are fewer devices than that.

    Args:
        count: None for one.
    """
    have = usable_devices()
    if count is not None and count > len(have):
        raise ValueError(
            f"Option `devices` must be at most {len(have)}, the {have[0].platform} devices that JAX finds here, "
            f"but is {count}."
        )


def spread_over_devices(
    simulate: Callable[[_Shared, _Blocks], Float[Array, "block ..."]], count: int | None
) -> Callable[[_Shared, _Blocks], Float[Array, "block ..."]]:
    """The function, with each of so many devices doing an equal part of the blocks.

    Args:
        simulate: A function of what all blocks share, and of arrays with an axis of blocks in front, such as their
            numbers; whatever it needs must be among these.
        count: Devices; the number of blocks must be a multiple of it. None for one.
    """
    if count is None or count == 1:
        return simulate
    used = usable_devices()[:count]
    mesh = Mesh(np.array(used), (_AXIS,), axis_types=(AxisType.Auto,))
    blocks = PartitionSpec(_AXIS)
    if len({device.process_index for device in used}) > 1:
        # Of several processes (jax.distributed) each gets the whole: it sees its own devices' part alone.
        return jax.shard_map(
            lambda shared, mine: jax.lax.all_gather(simulate(shared, mine), _AXIS, tiled=True),
            mesh=mesh, in_specs=(PartitionSpec(), blocks), out_specs=PartitionSpec(), check_vma=False,
        )  # fmt: skip
    # check_vma asks every scan to say how its carry differs between devices; the kernels know of none. Derivatives by
    # what is shared are summed over the devices all the same.
    return jax.shard_map(simulate, mesh=mesh, in_specs=(PartitionSpec(), blocks), out_specs=blocks, check_vma=False)
