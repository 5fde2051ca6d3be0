"""Many images in one launch, and many crystals in one image."""

from jaxbragg.batch.images import simulate_batch as simulate_batch
from jaxbragg.batch.spots import spot_options as spot_options
from jaxbragg.batch.together import simulate_together as simulate_together
