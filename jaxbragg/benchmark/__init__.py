"""How fast, and how right: named cases, drawn by several programs in one run, with the error beside every time.

`cases` says what is drawn, `implementations` who draws it, `harness` how it is timed, `operations` and `peak` what the
machine could have done meanwhile, `run` puts them together and `record` keeps what came of it.

One step is one pixel (or sub-pixel) × source × orientation, with its look-up.
"""
