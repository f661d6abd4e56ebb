"""Indices and palettes to files, one class for each format; never clustering."""
