"""What is raised and has a name of ours: each message is one line."""

__all__ = ["PaletteError", "PictureError", "TableError", "TargetError"]


class PaletteError(ValueError):
    """A palette file that can't be read or written. The message is one line: which, and why."""


class PictureError(ValueError):
    """A picture that can't be read. Its message is one line: which picture, and what is wrong."""


class TableError(ValueError):
    """A table that can't be read. The message is one line: which, where, and what is wrong."""


class TargetError(ValueError):
    """A target that this picture can't meet. The message says what was reached."""
