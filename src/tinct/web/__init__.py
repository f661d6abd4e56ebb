"""The local page and its HTTP API; never an algorithm, or a path from a URL."""
