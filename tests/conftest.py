"""One profile for all property tests."""

import os
import signal

from hypothesis import settings

# Started in the background a shell makes its children deaf to Ctrl-C; the commands that tests
# interrupt must hear it all the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On CI the same examples are drawn every time, so that a verdict is about the commit; at a desk
# each run looks somewhere new.
settings.register_profile(
    "tinct", deadline=None, max_examples=40, derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("tinct")
