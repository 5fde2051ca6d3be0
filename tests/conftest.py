"""What every test shares: hypothesis's settings, the tiers, compiled programs, the folder of reference data.

Nothing here touches what JAX computes: the choice of device and of precision stays with the caller, as it does for
users.
"""

import os
import sys
from pathlib import Path

import hypothesis
import pytest

from jaxbragg.cli.cache import machine, prune

# No deadline: the first example of a property also pays for JAX's compilation.
# The same examples on every CI run; a developer's machine goes on looking for new ones.
hypothesis.settings.register_profile("jaxbragg", deadline=None, max_examples=40, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("jaxbragg")

# Commands that tests start leave nothing in the home folder, and find nothing there.
os.environ.setdefault("JAXBRAGG_CACHE", "off")


# Slow beside others that see the same code by another case: run by hand with -m slow, so that the rest stays below
# twenty minutes on two cores. A name that no test has is an error.
SLOW = (
    "test_derivatives.py::test_both_modes_differences_and_precisions_agree[C]",
    "test_derivatives.py::test_both_modes_differences_and_precisions_agree[M]",
    "test_derivatives.py::test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence[round-mixed]",
    "test_derivatives.py::test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence[gauss-mixed]",
    "test_derivatives.py::test_masked_pixels_have_no_derivative_and_change_no_other[gauss]",
    "refine/test_image_terms.py::test_derivatives_are_finite_where_the_beam_hits_a_pixel_s_middle",
    "refine/test_problem.py::test_both_modes_agree_with_finite_differences[poisson]",
    "batch/test_together.py::test_the_image_is_the_sum_of_the_images[skipped orientations]",
    "test_simulate.py::test_everything_is_finite_at_exact_forward_scattering[round-mixed]",
    "test_simulate.py::test_everything_is_finite_at_exact_forward_scattering[square-float64]",
    "test_examples.py::test_the_example_runs[08_two_panels]",
    "test_examples.py::test_the_example_runs[09_spectrum]",
    "test_examples.py::test_the_example_runs[10_mosaic_and_size]",
    "test_examples.py::test_the_example_runs[11_many_stills]",
    "kernels/orientations/test_every.py::test_each_tile_may_have_orientations_of_its_own[square]",
    "kernels/orientations/test_every.py::test_batches_and_second_derivatives_agree_with_what_they_are_made_of[square]",
    "kernels/orientations/test_every.py::test_reverse_derivatives_by_everything_are_those_of_one_step[round]",
    "benchmark/test_experiments.py::test_flags_say_what_the_experiment_is[changes4]",
    "benchmark/test_experiments.py::test_flags_say_what_the_experiment_is[changes5]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[gauss_xtal-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[interpolate_saxs-fixed]",
)

# Beginnings of names. Something of every part, in less than two minutes on two cores with nothing compiled before.
QUICK = (
    "io/",
    "compare/",
    "models/",
    "cli/test_effects_",
    "cli/test_flag_table.py",
    "cli/test_help.py",
    "cli/test_read.py",
    "cli/test_scanner.py",
    "cli/test_bad_input.py",
    "kernels/test_",
    "kernels/shapes/",
    "refine/test_fit.py::test_the_truth_is_recovered_within_its_uncertainties",
    "refine/test_paths.py",
    "refine/test_parameters.py",
    "refine/test_problem.py::test_both_modes_agree_with_finite_differences[gaussian]",
    "test_layering.py",
    "test_options.py",
    "test_package.py",
    "test_reference.py",
    "test_simulate.py::test_the_image_is_that_of_the_formula_written_plainly",
)

# Nearly all of a test's time goes into XLA's compiler. What was compiled in an earlier run, or by the other processes
# of this one, is found again; the key of an entry is the whole program, the compiler's version and its flags.
LARGEST_CACHE = 1 << 30  # bytes


def pytest_configure(config: pytest.Config) -> None:
    """Have JAX keep its compilations in pytest's cache folder (--cache-clear empties it), unless told where."""
    if getattr(config, "cache", None) is None or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache_folder(config)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES"] = "none"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as `jaxbragg.cli.cache` does, which says why
    # An entry that another process is still writing: JAX compiles anew.
    config.addinivalue_line("filterwarnings", "ignore:Error (reading|writing) persistent compilation cache entry")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Keep the folder small."""
    if getattr(config, "cache", None) is not None and not hasattr(config, "workerinput"):
        prune(_cache_folder(config), LARGEST_CACHE)


def _cache_folder(config: pytest.Config) -> str:
    assert config.cache is not None
    return str(config.cache.mkdir("jax") / machine())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a list that names what does not exist."""
    if any("::" in argument for argument in config.args) or config.getoption("lf", False):
        return  # only parts of the files were collected
    names = {item.nodeid.removeprefix("tests/") for item in items}
    files, here = {name.partition("::")[0] for name in names}, Path(__file__).parent
    stale = [
        name
        for name, file in ((name, name.partition("::")[0]) for name in SLOW)
        if (file in files and name not in names) or not (here / file).is_file()
    ]
    if stale:
        raise pytest.UsageError(f"tests/conftest.py lists tests that do not exist: {', '.join(stale)}")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what is in the lists."""
    name = item.nodeid.removeprefix("tests/")
    if name in SLOW:
        item.add_marker(pytest.mark.slow)
    elif name.startswith(QUICK) and item.get_closest_marker("slow") is None:
        item.add_marker(pytest.mark.quick)


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_are_let_go():
    """Thousands of them in one process are more pieces of memory than Linux lets a process have."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Reference images and the inputs that their command lines name."""
    return Path(__file__).parent / "reference"
