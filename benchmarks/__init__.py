"""How fast, and how right: named cases, computed by several programs in one run, with the error beside every time.

`cases` says what is computed, `implementations` by which programs, `harness` what a measurement holds, `operations` and
`peak` what the machine could have done meanwhile; `run` puts them together and `record` keeps the results. `python -m
benchmarks`, in the project's folder, is the command. None of it is in the wheel.

One step is one pixel (or sub-pixel) × source × orientation, with its look-up.
"""
