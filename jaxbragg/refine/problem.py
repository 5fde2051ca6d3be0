"""A fit as a function of one unbounded vector: what every solver sees."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbragg.models import Experiment
from jaxbragg.models.crystal import check_sheared
from jaxbragg.options import Options
from jaxbragg.pipeline.tiles import assemble
from jaxbragg.refine.agreement import Agreement, agreements, image_agreement
from jaxbragg.refine.arguments import check_start
from jaxbragg.refine.equations import ImageSums, image_equations, image_gradient, image_model, image_objective
from jaxbragg.refine.free_values import FreeValues, as_parameters, free_values
from jaxbragg.refine.likelihood import AbstractLikelihood, likelihood_of, under_x64
from jaxbragg.refine.model import Recipe, Tiles
from jaxbragg.refine.normal_equations import NormalEquations
from jaxbragg.refine.parameters import Parameter
from jaxbragg.refine.paths import assign
from jaxbragg.refine.pixels import Measured, measured_images, to_tiles
from jaxbragg.refine.processes import over_processes
from jaxbragg.refine.spots import long_enough, settings_of
from jaxbragg.refine.transforms import Transform
from jaxbragg_kernels.numerics import numerics

# A value is at its bound when it is nearer than that to it, in typical changes.
_AT_BOUND = 1e-4

_Vector = Float[np.ndarray, "free"]


class Problem:
    """Images, a model of each, and what of it is free.

    Solvers move x, without bounds and 0 at the start; `values` are in the user's units. The objective is −2 ln of the
    likelihood of all used pixels and of the priors, up to a constant.

    Attributes:
        experiments: One for each image, as they are at the start.
        free: The free values.
        images: What was measured.
        known: Background that is known, or None, for each image.
        tiles: The images as they are summed over.
        recipes: What is static about each model.
        likelihood: The noise.
        transform: From x to values.
        blur: Spots are simulated that many times wider: see `jaxbragg.refine.coarse_to_fine`.
    """

    experiments: tuple[Experiment, ...]
    free: FreeValues
    images: tuple[Measured, ...]
    known: tuple[np.ndarray | None, ...]
    tiles: tuple[Tiles, ...]
    recipes: tuple[Recipe, ...]
    likelihood: AbstractLikelihood
    transform: Transform
    blur: float

    def __init__(
        self,
        experiments: Experiment | Sequence[Experiment],
        parameters: Sequence[Parameter | str],
        images: Any,
        options: Options = Options(),
        *,
        likelihood: AbstractLikelihood | str = "poisson",
        masks: Any = None,
        shoeboxes: Any = None,
        background: Any = None,
        saturation: Any = None,
    ) -> None:
        """Check everything and cut the images into tiles.

        Args:
            experiments: One for all images, or one for each.
            parameters: What is free; a path stands for `Parameter(path)`.
            images: One image, or a list of them [photons].
            options: How the model is simulated.
            likelihood: "poisson", `Poisson(floor)` or `Gaussian(read_noise)`.
            masks: True for the pixels to be used: one for all images, or a list of one (or None) for each.
            shoeboxes: To use only these pixels: first and last along fast, then slow, ends included, with the panel in
                front where there are several. One list for all images, or a list of one (or None) for each.
            background: Photons known to be in each pixel beside the model's: a number or an image, or a list.
            saturation: Pixels of so many photons and more are left out: a number, or a list of one (or None) for each
                image; infinity for none. Unless given, pixels are left out that hold the largest number of their type
                of whole numbers, 65535, 2³¹ − 1, 2³² − 2 or 2³² − 1. In images of whole numbers −1 and −2 are left out
                in any case; `flagged` counts what was.

        Raises:
            ValueError: If an argument cannot be; the message names it.
            TypeError: If `parameters` is not a list of parameters.
        """
        listed = isinstance(images, list | tuple)
        images = list(images) if listed else [images]
        count = len(images)
        if not count:
            raise ValueError("Argument `images` must hold at least one image, but is empty.")
        given = [experiments] if isinstance(experiments, Experiment) else list(experiments)
        if not given or not all(isinstance(e, Experiment) for e in given) or len(given) not in (1, count):
            raise ValueError(
                f"Argument `experiments` must be one Experiment, or one for each of {count} images, "
                f"but holds {len(given)}."
            )
        given = given * count if len(given) == 1 else given
        if options.devices is not None:
            raise ValueError(
                f"Option `devices` must be None in a fit, which uses one device, but is {options.devices}."
            )
        settings = settings_of(given, options)
        self.likelihood = under_x64(likelihood_of(likelihood))
        self.free = free_values(given, as_parameters(parameters))
        if any(item.name == "shear" for item in self.free.assignments):
            check_sheared(settings[0].shape, options.spot_width)
        self.images, self.known = measured_images(
            images, listed, given, masks, shoeboxes, saturation, background, self.likelihood, options
        )
        self.recipes = tuple(Recipe(self.free.assignments, each) for each in settings)
        self.tiles = tuple(to_tiles(self.images, self.known, settings, given))
        with numerics():
            self.experiments = tuple(jax.tree.map(jnp.asarray, experiment) for experiment in given)
        gather = self.free.gather
        self.transform = Transform(
            *(gather(table) for table in (self.free.start, self.free.scale, self.free.lower, self.free.upper))
        )
        self.blur = 1.0
        for i in self._each():
            check_start(self.experiment(self.start, i), i if count > 1 else None)
        self.lengthen(self.start)

    def changed(self, **attributes: Any) -> "Problem":
        """A copy of the problem with other attributes."""
        other = copy(self)
        for name, value in attributes.items():
            setattr(other, name, value)
        return other

    @property
    def start(self) -> _Vector:
        """Where solvers begin."""
        return np.zeros(self.free.count)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the free values."""
        return self.free.all_names()

    @property
    def pixels(self) -> int:
        """Used pixels of all images."""
        return sum(int(image.used.sum()) for image in self.images)

    @property
    def not_numbers(self) -> int:
        """Pixels left out as they hold no finite number."""
        return sum(image.not_numbers for image in self.images)

    @property
    def flagged(self) -> int:
        """Pixels left out as they are full or hold a mark instead of a count."""
        return sum(image.flagged for image in self.images)

    def values(self, x: _Vector) -> _Vector:
        """Free values in the user's units."""
        return np.asarray(self.transform.values(np.asarray(x, float)))

    def at_bounds(self, x: _Vector, gradient: _Vector) -> np.ndarray:
        """−1 for values at their lower bound that the gradient pushes out, 1 at their upper bound, else 0."""
        values, transform = self.values(x), self.transform
        near = _AT_BOUND * transform.scale
        low = (values - transform.lower <= near) & (gradient > 0)
        return np.where(low, -1, np.where((transform.upper - values <= near) & (gradient < 0), 1, 0))

    def objective(self, x: _Vector) -> float:
        """What is minimised."""
        values = self.values(x)
        sums = self._of_images(lambda i: image_objective(*self._image(i), self._local(i, values), self._blur()), x)
        return float(sum(float(each) for each in sums)) + self.free.prior_terms(values)[0]

    def gradient(self, x: _Vector) -> _Vector:
        """Derivative of the objective by x."""
        return self.objective_and_gradient(x)[1]

    def objective_and_gradient(self, x: _Vector) -> tuple[float, _Vector]:
        """Both in one pass, in reverse mode."""
        values, slopes = self.values(x), self.transform.slopes(np.asarray(x, float))
        total, slope, _ = self.free.prior_terms(values)
        slope = 2.0 * slope
        sums = self._of_images(lambda i: image_gradient(*self._image(i), self._local(i, values), self._blur()), x)
        for i, (objective, part) in enumerate(sums):
            total += float(objective)
            slope[self.free.places(i)] += np.asarray(part)
        return total, slope * slopes

    def normal_equations(self, x: _Vector, *, in_values: bool = False) -> NormalEquations:
        """Half the gradient and the Fisher information of the objective, by x.

        Args:
            x: Where.
            in_values: By the values divided by their scales instead, for uncertainties.
        """
        values = self.values(x)
        seeds = self.transform.scale if in_values else self.transform.slopes(np.asarray(x, float))
        s, o, images = self.free.shared, self.free.per_image, self.free.images
        total, slope, curvature = self.free.prior_terms(values)
        slope, curvature = slope * seeds, curvature * seeds**2
        shared, cross, per_image = np.diag(curvature[:s]), np.zeros((images, s, o)), np.zeros((images, o, o))

        def of_image(i: int) -> ImageSums:
            unit = jnp.asarray(seeds[self.free.places(i)])
            return image_equations(*self._image(i), self._local(i, values), unit, self._blur())

        for i, each in enumerate(self._of_images(of_image, x)):
            matrix = np.asarray(each.information)
            total += float(each.objective)
            slope[self.free.places(i)] += np.asarray(each.gradient)
            shared += matrix[:s, :s]
            cross[i] = matrix[:s, s:]
            per_image[i] = matrix[s:, s:] + np.diag(curvature[s + i * o : s + (i + 1) * o])
        return NormalEquations(total, slope, shared, cross, per_image)

    def agreement(self, x: _Vector, determined: int) -> tuple[Agreement, Agreement]:
        """How well the model at x agrees with the images: all used pixels, and those that show the crystal.

        Args:
            x: Where.
            determined: How many of its values the data determine.
        """
        sums = self._of_images(lambda i: image_agreement(*self._image(i), self._local(i, self.values(x))), x)
        return agreements(jax.tree.map(lambda *each: sum(map(np.asarray, each)), *sums), determined)

    def residuals(self, x: _Vector, image: int = 0) -> Float[np.ndarray, "pixels"]:
        """(count − model)/√variance of the used pixels of one image."""
        return self.residual_image(x, image)[self.images[image].used]

    def experiment(self, x: _Vector, image: int = 0) -> Experiment:
        """The experiment of one image with the values at x."""
        with numerics():
            local = self._local(image, self.values(x))
            return assign(self.experiments[image], self.recipes[image].assignments, local)

    def model_image(self, x: _Vector, image: int = 0) -> np.ndarray:
        """Mean photons of every pixel of one image, all terms included."""
        whole = self.images[image]._replace(used=np.ones_like(self.images[image].used))
        settings, experiment = self.recipes[image].settings, self.experiments[image]
        (tiles,) = to_tiles([whole], [self.known[image]], [settings], [experiment])

        def model(i: int) -> jax.Array:
            return image_model(self.recipes[i], experiment, tiles, self._local(i, self.values(x)), self._blur())

        with numerics():
            (blocks,) = self._of_images(model, x, [image])
            return np.asarray(assemble(blocks, experiment.detector, settings.plan))

    def residual_image(self, x: _Vector, image: int = 0) -> np.ndarray:
        """(count − model)/√variance of every pixel of one image, NaN where a pixel is not used."""
        model = self.model_image(x, image)
        with numerics():
            sigma = np.sqrt(np.asarray(self.likelihood.variance(jnp.asarray(model, jnp.float64))))
        return np.where(self.images[image].used, (self.images[image].counts - model) / sigma, np.nan)

    def lengthen(self, x: _Vector, *, anew: bool = False, spare: float = 1.02) -> bool:
        """Make lists of images by spots long enough for x; whether one was not.

        Args:
            x: Where.
            anew, spare: See `jaxbragg.refine.spots.long_enough`.
        """
        values = [self.values(x)[self.free.places(i)] for i in self._each()]
        longer = long_enough(self.recipes, self.experiments, values, self.blur, anew=anew, spare=spare)
        if longer is not None:
            self.recipes = longer
        return longer is not None

    def _of_images(self, function: Callable[[int], Any], x: _Vector, images: Sequence[int] | None = None) -> list[Any]:
        """A function of the number of each image; once more with longer lists where they were too short at x."""
        while True:
            with numerics():
                found = over_processes(function, self._each()) if images is None else [function(i) for i in images]
                finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))
            if finite or not self.lengthen(x):
                return found

    def _image(self, image: int) -> tuple[Recipe, Experiment, AbstractLikelihood, Tiles]:
        return self.recipes[image], self.experiments[image], self.likelihood, self.tiles[image]

    def _each(self) -> range:
        return range(len(self.images))

    def _local(self, image: int, values: _Vector) -> jax.Array:
        return jnp.asarray(values[self.free.places(image)])

    def _blur(self) -> jax.Array:
        return jnp.asarray(self.blur, jnp.float64)
