"""The command line of nanoBragg as a Python list: an experiment to look at, change and draw again.

Run: python examples/02_from_nanobragg_flags.py
"""

import shlex

import equinox as eqx
import numpy as np

import jaxbragg as jb

experiment, options = jb.read_experiment(
    shlex.split(
        "-cell 70 80 90 75 85 95 -misset 10 20 30 -default_F 100 -N 10 -lambda 1.5 -distance 150 "
        "-detpixels 128 -pixel 0.4 -phi 0 -osc 1 -phisteps 10 -oversample 1"
    )
)
print(experiment.crystal.cell.a, "Å,", options)

right = np.asarray(jb.simulate(experiment, options))

# Models are frozen: a change is a new experiment. Nothing is compiled anew for a new number.
misset = np.asarray(experiment.crystal.misset) + 0.1
turned = np.asarray(jb.simulate(eqx.tree_at(lambda e: e.crystal.misset, experiment, misset), options))
print(f"turned by 0.1°: correlation {np.corrcoef(right.ravel(), turned.ravel())[0, 1]:.3f}")

# What the C program would have drawn, known errors and all.
as_c = np.asarray(jb.simulate(*jb.as_the_c_program_draws(experiment, options)))
print(f"as the C program draws it: sum {as_c.sum() / right.sum() - 1:+.2%}")
