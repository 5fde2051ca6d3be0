"""|F| of every reflection: from a structure's atoms, or from some reflections by symmetry."""

from jaxbragg.models.reflections.calculated import Calculated as Calculated
from jaxbragg.models.reflections.calculated import calculate as calculate
from jaxbragg.models.reflections.columns import choose_columns as choose_columns
from jaxbragg.models.reflections.columns import reflections_of as reflections_of
from jaxbragg.models.reflections.symmetry import absences as absences
from jaxbragg.models.reflections.symmetry import expanded as expanded
from jaxbragg.models.reflections.symmetry import space_group as space_group
