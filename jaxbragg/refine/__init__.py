"""Fitting models to images: what is free, how the counts scatter, and how well the data determine the rest.

    parameters = [*refine.cell_parameters("tetragonal"), "crystal.misset", refine.Parameter("image.constant", start=2)]
    problem = refine.Problem(experiment, parameters, image)
    print(refine.fit(problem))

From far away: `fit_coarse_to_fine` and `fit_multi_start`. What else can be named by a path: `known_paths(experiment)`,
and the tables in `jaxbragg.refine.derived` and `jaxbragg.refine.image_terms`.
"""

from jaxbragg.refine.coarse_to_fine import fit_coarse_to_fine as fit_coarse_to_fine
from jaxbragg.refine.coarse_to_fine import fit_multi_start as fit_multi_start
from jaxbragg.refine.concerns import FitWarning as FitWarning
from jaxbragg.refine.fit import fit as fit
from jaxbragg.refine.levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
from jaxbragg.refine.likelihood import AbstractLikelihood as AbstractLikelihood
from jaxbragg.refine.likelihood import Gaussian as Gaussian
from jaxbragg.refine.likelihood import Poisson as Poisson
from jaxbragg.refine.parameter_files import read_parameters as read_parameters
from jaxbragg.refine.parameter_files import write_parameters as write_parameters
from jaxbragg.refine.parameters import Parameter as Parameter
from jaxbragg.refine.parameters import cell_parameters as cell_parameters
from jaxbragg.refine.paths import known_paths as known_paths
from jaxbragg.refine.problem import Problem as Problem
from jaxbragg.refine.result import Result as Result
from jaxbragg.refine.solution import Step as Step
from jaxbragg.refine.solvers import Optax as Optax
from jaxbragg.refine.solvers import Optimistix as Optimistix
from jaxbragg.refine.solvers import Scipy as Scipy
