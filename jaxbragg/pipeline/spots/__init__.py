"""Images of Gaussian spots, reflection by reflection: which ones, where each is drawn, and the drawing."""
