"""Plans: recipes whose shots can be asked for, as a stream or one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from jaxbragg.batch.recipe import Recipe
from jaxbragg.batch.shots import Drawing, Shots


@dataclass(frozen=True)
class Plan(Recipe):
    """A recipe, see `Recipe` for its arguments, and its shots.

    plan = jb.batch.Plan(experiment, shots=1000, vary={"crystal.orientation": jb.batch.UniformRotation()})
    for shots in plan.iterate(batch_size=32):
        train(shots.images, shots.values["crystal.orientation"])
    """

    @cached_property
    def _drawing(self) -> Drawing:
        return Drawing(self)

    def prepare(self) -> None:
        """Choose what is chosen once for all shots, which looks at the first of them.

        Raises:
            ValueError: If one of these cannot be.
        """
        _ = self._drawing

    def iterate(self, batch_size: int | None = None, first: int = 0, last: int | None = None) -> Iterator[Shots]:
        """The shots as a stream, no more images in memory than two launches make and a batch holds.

        Args:
            batch_size: Shots in each; None for as many as a launch makes. The last batch may have fewer.
            first: Number of the first shot.
            last: Number after the last one; None for all.

        Raises:
            ValueError: If a shot cannot be, or there are no such shots or batches.
        """
        for name, value, least in (("batch_size", batch_size, 1), ("first", first, 0), ("last", last, 0)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise ValueError(f"Argument `{name}` must be a whole number of at least {least}, but is {value!r}.")
        draw = self._drawing
        numbers = range(first, self.shots if last is None else min(last, self.shots))
        size = self.group if batch_size is None else batch_size
        held: list[Shots] = []
        for shots in draw.groups(numbers):
            held.append(shots)
            while sum(len(each.numbers) for each in held) >= size:
                whole = Shots.joined(held)
                yield whole.part(0, size)
                held = [whole.part(size, len(whole.numbers))] if len(whole.numbers) > size else []
        if held:
            yield Shots.joined(held)

    def launches(self, shots: Sequence[int]) -> Iterator[Shots]:
        """Some shots by their numbers, as launches make them.

        Raises:
            ValueError: If a shot cannot be.
        """
        return self._drawing.groups(shots)

    def draw(self, shots: Sequence[int]) -> Shots:
        """Some shots by their numbers, each the same as in any stream or file.

        Raises:
            ValueError: If there is no shot of a number.
        """
        for shot in shots:
            if not 0 <= shot < self.shots:
                raise ValueError(f"Argument `shots` must be of 0 … {self.shots - 1}, but has {shot}.")
        return Shots.joined(list(self._drawing.groups(shots)))
