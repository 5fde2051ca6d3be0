"""From an experiment to the pixels of its image, one stage a file, in this order.

`settings`: options resolved, types of numbers, how the image is cut (`plan`). `arrays`: the experiment as arrays, once.
`geometry`: where the pixels of some tiles are. `blocks`: photons in these pixels. `devices`: blocks shared by several
devices. `tiles`: an image put together from its tiles.
"""
