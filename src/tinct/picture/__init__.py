"""Bytes to pixels, and what comes along: the only decoder; never the choice of colors."""
