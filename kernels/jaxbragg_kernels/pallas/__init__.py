"""The innermost sum written by hand for NVIDIA GPUs, in Pallas and its Triton backend.

`sum_over_orientations` is what to call, `inner_loop` what a GPU runs, `three_parts` how it does without float64.
"""
