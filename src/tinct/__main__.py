"""The command ``tinct``, also as ``python -m tinct``: the way into the process and out of it.

A small picture spends most of its time there, so what Python and its libraries would do in vain is
left out, here where the process is ours.
"""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["run"]


def run() -> None:
    """Enter from the shell: the console script ``tinct``."""
    # OpenBLAS starts a thread per core when NumPy is imported, which spin for a while; nothing of
    # ours asks BLAS. 20 ms of processor time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports make many objects and hardly any garbage, and at the end there is nothing worth
    # finding either: 20 ms that collections would take, a tenth of an icon's time.
    gc.set_threshold(50_000)
    from tinct.cli import main

    code = main()
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    run()
