"""Batches: any number of shots of one plan, drawn in launches of several, as a stream or into files.

    plan = jb.batch.Plan(
        experiment,
        shots=1000,
        vary={"crystal.orientation": jb.batch.UniformRotation(), "crystal.cell.a": jb.batch.Normal(79, 0.2)},
    )
    for shots in plan.iterate():
        train(shots.images, shots.values)

Files, with everything that can go wrong: `jaxbragg batch PLAN.toml --out DIR`.
"""

from jaxbragg.batch.distributions import Choice as Choice
from jaxbragg.batch.distributions import Distribution as Distribution
from jaxbragg.batch.distributions import Listed as Listed
from jaxbragg.batch.distributions import LogNormal as LogNormal
from jaxbragg.batch.distributions import Normal as Normal
from jaxbragg.batch.distributions import Poisson as Poisson
from jaxbragg.batch.distributions import Uniform as Uniform
from jaxbragg.batch.distributions import UniformRotation as UniformRotation
from jaxbragg.batch.plan import Plan as Plan
from jaxbragg.batch.recipe import SasePulses as SasePulses
from jaxbragg.batch.shots import Shots as Shots
