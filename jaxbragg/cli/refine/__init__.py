"""The parts of `jaxbragg refine`: configuration, images, progress, and what is left in the output folder."""
