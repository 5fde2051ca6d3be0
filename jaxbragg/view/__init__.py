"""Pictures of images with what a crystallographer looks for in them: beam centre, resolution rings, predicted spots."""

from jaxbragg.view.picture import Look as Look
from jaxbragg.view.picture import show as show
from jaxbragg.view.picture import write_view as write_view
from jaxbragg.view.predict import Spots as Spots
from jaxbragg.view.predict import predict_spots as predict_spots
