"""What every test shares: hypothesis's settings, the tiers, compiled programs, the folder of reference data.

Nothing here touches what JAX computes: the choice of device and of precision stays with the caller, as it does for
users.
"""

import os
import sys
from importlib.metadata import version
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

# Nearly all of a test's time goes into XLA's compiler, half of it into the code for CPUs that it has made since 2025,
# which runs up to five times faster than what it made before: not what a test of 24 × 32 pixels needs. Examples, and
# all with JAXBRAGG_TEST_XLA=default, are compiled as users' images are. Flags that XLA does not know end the process.
FAST_COMPILATION = "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
if version("jaxlib").startswith("0.10.") and os.environ.get("JAXBRAGG_TEST_XLA") != "default":
    os.environ.setdefault("XLA_FLAGS", FAST_COMPILATION)


# Slow beside others that see the same code by another case: run by hand with -m slow, so that the rest stays below
# twelve minutes on two cores. A name that no test has is an error.
SLOW = (
    "refine/test_response.py::test_a_batch_and_a_sum_of_crystals_are_read_out",
    "models/test_sase.py::test_a_pulse_is_a_spectrum_that_an_image_takes",
    "models/test_b_factor.py::test_every_way_of_computing_an_image_has_it[spots]",
    "models/test_b_factor.py::test_derivatives_agree",
    "models/test_b_factor.py::test_it_is_found_by_a_fit",
    "models/test_absorbers.py::test_air_takes_what_its_path_says[spots]",
    "test_callers_settings.py::test_derivatives_are_those_with_float64_on[reverse-float64]",
    "test_examples.py::test_the_example_runs[02_from_nanobragg_flags]",
    "kernels/shapes/test_shapes.py::test_second_derivatives_at_a_generic_point[square]",
    "benchmark/test_commands.py::test_a_warm_command_has_a_cache_of_its_own_and_a_cold_one_none[lysozyme-warm]",
    "pipeline/spots/test_integral.py::test_the_sum_over_a_whole_spot_is_its_integral[none]",
    "pipeline/spots/test_integral.py::test_the_sum_over_a_whole_spot_is_its_integral[bandwidth]",
    "pipeline/spots/test_integral.py::test_the_sum_over_a_whole_spot_is_its_integral[cells]",
    "refine/test_response.py::test_the_model_is_the_image_and_its_gradient_agrees_with_differences[spots]",
    "refine/test_response.py::test_the_width_of_a_point_spread_is_found",
    "refine/test_response.py::test_the_truth_is_of_photons",
    "models/test_b_factor.py::test_every_way_of_computing_an_image_has_it[tricubic]",
    "models/test_b_factor.py::test_every_way_of_computing_an_image_has_it[together]",
    "models/test_b_factor.py::test_of_a_batch_of_cells_each_has_its_own",
    "test_radial.py::test_it_is_that_which_made_the_image[3e+22-0.15]",
    "refine/test_problem.py::test_both_modes_agree_with_finite_differences[gaussian]",
    "refine/test_coarse_to_fine.py::test_a_plain_fit_does_not_reach_as_far_as_one_from_coarse_to_fine",
    "refine/test_coarse_to_fine.py::test_an_interruption_between_the_starts_leaves_the_best_of_them",
    "refine/test_agreement.py::test_background_does_not_drown_a_wrong_model",
    "refine/test_fit.py::test_several_stills_with_a_shared_distance",
    "refine/test_fit.py::test_a_prior_is_one_measurement_more",
    "refine/test_fit.py::test_what_only_a_product_determines_is_not_determined",
    "test_plugins.py::test_values_of_all_of_them_are_refined",
    "test_callers_settings.py::test_derivatives_are_those_with_float64_on[reverse over reverse-mixed]",
    "test_callers_settings.py::test_derivatives_are_those_with_float64_on[forward-float64]",
    "kernels/orientations/test_every.py::test_reverse_derivatives_by_everything_are_those_of_one_step[square]",
    "test_examples.py::test_the_example_runs[06_recover_a_misset]",
    "test_factors_of_sources.py::test_the_image_is_the_sum_over_sources[gauss, skipping-nearest]",
    "test_derivatives.py::test_both_modes_differences_and_precisions_agree[C]",
    "test_derivatives.py::test_both_modes_differences_and_precisions_agree[M]",
    "test_derivatives.py::test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence[round-mixed]",
    "test_derivatives.py::test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence[gauss-mixed]",
    "test_derivatives.py::test_masked_pixels_have_no_derivative_and_change_no_other[gauss]",
    "refine/test_image_terms.py::test_derivatives_are_finite_where_the_beam_hits_a_pixel_s_middle",
    "refine/test_problem.py::test_both_modes_agree_with_finite_differences[poisson]",
    "test_examples.py::test_the_example_runs[13_train_on_a_stream]",
    "several/test_together.py::test_the_image_is_the_sum_of_the_images[skipped orientations]",
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
    "test_simulate.py::test_a_region_of_interest_is_that_part_of_the_image_ends_included",
    "test_simulate.py::test_shape_blocks_and_unroll_change_nothing",
    "test_simulate.py::test_memory_is_flat_in_the_number_of_orientations",
    "test_derivatives.py::test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence[square-float64]",
    "pipeline/test_precision.py::test_derivatives_are_those_of_every_choice",
    "pipeline/test_arrays.py::test_spots_far_off_the_axes_are_not_left_out",
    "test_examples.py::test_the_example_runs[05_which_factor]",
    "test_examples.py::test_the_example_runs[07_cell_and_distance]",
    "test_plugins.py::test_derivatives_of_shapes_of_ones_own_agree_with_differences[shape0]",
    "models/test_panels_of_sizes.py::test_gradients_are_the_sum_of_the_panels",
    "several/test_together.py::test_gradients_under_jit_are_those_of_the_sum",
    "several/test_together.py::test_one_experiment_with_axes_in_front",
    "several/test_together.py::test_the_image_is_the_sum_of_the_images[masked panels]",
    "several/test_together.py::test_memory_is_flat_in_the_number_of_crystals[True]",
    "several/test_images.py::test_the_slope_by_a_table_that_all_share",
    "several/test_images.py::test_gradients_under_jit_are_those_of_the_images_one_by_one[None]",
    "several/test_images.py::test_images_in_which_orientations_are_skipped_one_by_one[pixels1]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[curved detectors]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[mosaic spreads]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[source lists]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[widths]",
    "refine/test_coarse_to_fine.py::test_what_makes_spots_wide_or_bright_waits_for_the_last_stage",
    "refine/test_fit.py::test_a_model_without_background_is_fitted_too",
    "refine/test_fit.py::test_a_cubic_cell_has_one_length",
    "refine/test_fit.py::test_what_n_has_beside_its_diagonal_is_found",
    "refine/test_agreement.py::test_too_little_scatter_is_said",
    "refine/test_solvers.py::test_all_reach_the_same_optimum[tight]",
    "kernels/orientations/test_every.py::test_batches_and_second_derivatives_agree_with_what_they_are_made_of[gauss]",
    "kernels/orientations/test_every.py::test_reverse_derivatives_by_everything_are_those_of_one_step[gauss]",
    "kernels/orientations/test_near.py::test_where_much_is_near_everything_is_drawn_with_the_same_result[0.0001-True]",
    "benchmark/test_programs.py::test_the_gradient_is_that_of_the_fluence",
    "benchmark/test_main.py::test_a_quick_run_writes_what_it_prints",
    "benchmark/test_experiments.py::test_flags_say_what_the_experiment_is[changes3]",
    "test_callers_settings.py::test_derivatives_are_those_with_float64_on[reverse of a batch-float64]",
    "test_callers_settings.py::test_derivatives_batches_and_fits_do_not_depend_on_promotion",
    "test_callers_settings.py::test_batches_too[False]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-round_xtal-float32]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-tophat_spots-float32]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-gauss_xtal-float32]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-square_xtal-float32]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-round_xtal-float64]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-tophat_spots-float64]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-gauss_xtal-float64]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[adxv-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[thick_sensor-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[dispersion-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[mosaic_25-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[triclinic_hkl-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[large_crystal_precision-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[twotheta-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[dials-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[rotated_sample_pivot-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[xclose_yclose-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[beam_vector-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[custom_vectors-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[mosflm_beam-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[pilatus_vectors-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[round_xtal-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[twotheta_axis-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[xds-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[close_distance-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[denzo-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[tetragonal_hkl-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[cubic_default_F-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[polar_09-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[rotated_beam_pivot-c]",
    "trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[triclinic_misset-c]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-round_xtal-mixed]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-gauss_xtal-mixed]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[missets]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[orientations]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[scans]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[backgrounds]",
    "several/test_images.py::test_a_sequence_gives_the_images_drawn_one_by_one[panels]",
    "kernels/orientations/test_near.py::test_the_sum_is_that_of_all_orientations_less_what_is_below_the_bound[31-gauss]",
    "kernels/orientations/test_near.py::test_the_sum_is_that_of_all_orientations_less_what_is_below_the_bound[31-tophat]",
    "kernels/orientations/test_near.py::test_the_sum_is_that_of_all_orientations_less_what_is_below_the_bound[33-gauss]",
    "kernels/orientations/test_near.py::test_the_sum_is_that_of_all_orientations_less_what_is_below_the_bound[33-tophat]",
    "test_callers_settings.py::test_a_model_with_leaves_of_float64_is_differentiated_as_it_is",
    "benchmark/test_run.py::test_a_quick_run_holds_everyone_against_float64",
    "benchmark/test_programs.py::test_the_jacobian_is_that_of_differences",
    "refine/test_problem.py::test_the_result_does_not_depend_on_the_blocks",
    "models/test_panels_of_sizes.py::test_a_region_of_interest_is_of_each_panel",
    "pipeline/test_precision.py::test_choices_do_not_change_what_they_are_for",
    "test_precision.py::test_a_thousand_cells_each_way",
    "kernels/orientations/test_every.py::test_single_precision_slopes_are_near_those_of_double_precision",
    "kernels/orientations/test_every.py::test_each_tile_may_have_orientations_of_its_own[gauss]",
    "refine/test_fit.py::test_gaussian_counts_with_read_out_noise",
    "pipeline/spots/test_image.py::test_without_spreads_it_is_the_image_of_one_orientation",
    "pipeline/spots/test_cuts.py::test_a_wide_divergence_is_the_sum_of_sharp_directions",
    "several/test_spots.py::test_many_crystals_in_one_image_are_the_sum_of_theirs_and_one_background",
    "test_truth.py::test_the_mean_wavelength_of_lines_is_that_of_their_images",
    "test_truth.py::test_panels_masks_and_regions",
    "test_derivatives.py::test_masked_pixels_have_no_derivative_and_change_no_other[square]",
    "test_plugins.py::test_backgrounds_of_any_kind_are_added",
    "test_plugins.py::test_derivatives_of_shapes_of_ones_own_agree_with_differences[shape1]",
    "test_plugins.py::test_tiles_that_such_spots_do_not_reach_are_left_out_within_the_bound",
    "test_examples.py::test_the_example_runs[03_gradient]",
    "test_simulate.py::test_everything_is_finite_at_exact_forward_scattering[square-mixed]",
    "test_simulate.py::test_a_panel_with_positions_of_its_own_is_not_taken_for_flat",
    "test_simulate.py::test_cells_can_be_made_under_a_transformation",
    "cli/test_refine_command.py::test_the_detector_of_a_file",
    "cli/test_refine_command.py::test_what_is_not_to_be_believed_is_said",
    "refine/test_coarse_to_fine.py::test_an_interrupted_stage_hands_back_where_it_was",
    "refine/test_fit.py::test_a_constant_is_the_mean_count[poisson]",
    "refine/test_fit.py::test_a_value_at_its_bound_is_said_to_be",
    "refine/test_solvers.py::test_all_reach_the_same_optimum[scipy]",
    "test_factors_of_sources.py::test_the_image_is_the_sum_over_sources[square-tricubic]",
    "models/test_panels_of_sizes.py::test_pixels_beyond_a_panel_have_no_part_in_a_fit",
    "models/test_detector_sides.py::test_a_panel_read_out_the_other_way_round_has_the_same_image_mirrored[across-sensor]",
    "view/test_predict.py::test_simulated_spots_are_where_they_are_predicted[-detector_thick 450 -detector_abs 250]",
    "kernels/orientations/test_near.py::test_where_much_is_near_everything_is_drawn_with_the_same_result[0.003-False]",
    "kernels/orientations/test_every.py::test_any_number_of_orientations[2]",
    "kernels/orientations/test_every.py::test_any_number_of_orientations[3]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-square_xtal-float64]",
    "trace/test_trace.py::test_the_last_line_is_the_pixel_of_the_image[-tophat_spots-mixed]",
    *(
        f"trace/test_trace.py::test_every_factor_and_step_is_that_of_the_c_program[{name}]"
        for name in (
            "adxv-fixed",
            "large_crystal_precision-fixed",
            "mosflm_beam-fixed",
            "phi_from_ten-c",
            "phi_from_ten-fixed",
            "round_xtal-fixed",
            "triclinic_hkl-fixed",
            "triclinic_misset-fixed",
        )
    ),
    "several/test_images.py::test_images_in_which_orientations_are_skipped_one_by_one[pixels0]",
    "several/test_images.py::test_forward_mode_and_experiments_made_under_it",
    "several/test_together.py::test_the_image_is_the_sum_of_the_images[several waters]",
    "several/test_together.py::test_a_memory_limit_and_small_blocks_change_nothing[options0]",
    "benchmark/implementations/test_nanobragg.py::test_another_image_is_found_out",
    "benchmark/test_experiments.py::test_flags_say_what_the_experiment_is[changes0]",
    "cli/test_cache.py::test_broken_entries_are_replaced_without_a_word",
    "pipeline/spots/test_image.py::test_the_image_is_the_mean_of_many_samples[mosaic]",
    "test_factors_of_sources.py::test_by_spots_each_line_has_its_own",
    "test_factors_of_sources.py::test_derivatives_by_every_box[square]",
    "test_derivatives.py::test_finite_at_exact_bragg_points_half_integers_one_cell_and_no_fluence[square-mixed]",
    "test_plugins.py::test_structure_factors_of_ones_own",
    "test_plugins.py::test_a_likelihood_of_ones_own_has_a_name_for_the_command",
    "test_simulate.py::test_jacfwd_gives_an_image_for_each_parameter",
    "test_truth.py::test_mixed_precision_is_near_enough",
    "refine/test_fit.py::test_what_no_pixel_depends_on_is_not_determined",
    "refine/test_solvers.py::test_all_reach_the_same_optimum[optax]",
    "refine/test_spots.py::test_where_spots_cannot_be_drawn_the_fit_samples_and_says_so",
    "view/test_predict.py::test_simulated_spots_are_where_they_are_predicted[]",
)

# Beginnings of names. Something of every part, in less than two minutes on two cores with nothing compiled before.
QUICK = (
    "io/",
    "compare/",
    "models/test_catalogue.py",
    "models/test_crystal.py",
    "models/test_detector.py",
    "models/test_experiment.py",
    "models/test_reflections.py",
    "models/test_structure_factors.py",
    "models/test_validity.py",
    "cli/test_effects_",
    "cli/test_flag_table.py",
    "cli/test_help.py",
    "cli/test_read.py",
    "cli/test_scanner.py",
    "cli/test_bad_input.py",
    "kernels/test_hkl.py",
    "kernels/test_linear.py",
    "kernels/test_rotation.py",
    "kernels/shapes/test_shapes.py::test_integral",
    "kernels/shapes/test_shapes.py::test_square",
    "refine/test_fit.py::test_the_truth_is_recovered_within_its_uncertainties",
    "refine/test_paths.py",
    "refine/test_parameters.py",
    "test_layering.py",
    "test_options.py",
    "test_package.py",
    *(
        f"test_reference.py::test_mixed_precision_draws_the_image[{name}"
        for name in (
            "curved_d",
            "gauss",
            "interpolate",
            "mosaic_25",
            "phi_from",
            "round",
            "tetragonal",
            "thick",
            "water",
        )
    ),
    "test_simulate.py::test_the_image_is_that_of_the_formula_written_plainly[s",
)

# What was compiled in an earlier run, or by the other processes of this one, is found again; the key of an entry is the
# whole program, the compiler's version and its flags.
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
    beginnings = (name for name in QUICK if (file := name.partition("::")[0]).endswith(".py") and file in files)
    stale += [name for name in beginnings if not any(known.startswith(name) for known in names)]
    stale += [name for name in QUICK if "::" not in name and not any(here.glob(f"{name}*"))]
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


@pytest.fixture(scope="module", autouse=True)
def short_lists_of_spots_have_one_length() -> None:
    """Each length is a compilation of seconds: with 1,024 one serves nearly all images that tests make by spots."""
    if "jax" in sys.modules:
        from jaxbragg.pipeline.spots import lists

        lists._SHORTEST = 1024


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Reference images and the inputs that their command lines name."""
    return Path(__file__).parent / "reference"
