"""Many images in one launch, and many crystals in one image."""

from jaxbragg.several.images import simulate_batch as simulate_batch
from jaxbragg.several.spots import spot_options as spot_options
from jaxbragg.several.together import simulate_together as simulate_together
