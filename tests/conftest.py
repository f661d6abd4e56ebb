"""One profile for all property tests."""

import os

from hypothesis import settings

# On CI the same examples are drawn every time, so that a verdict is about the commit; at a desk
# each run looks somewhere new.
settings.register_profile(
    "tinct", deadline=None, max_examples=40, derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("tinct")
