"""A picture's distinct colors, and the few chosen among them; never the dithering of pixels."""
