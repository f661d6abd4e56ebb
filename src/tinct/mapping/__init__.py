"""Pixels and a palette to indices: nearest, dithered, for few bits; never a format's bytes."""
