"""sRGB, linear light, Oklab, and the points K-means sees; never a picture as a whole."""
