"""The command ``tinct``, also as ``python -m tinct``: the way into the process and out of it.

A small picture spends most of its time there, so what Python and its libraries would do in vain is
left out, here where the process is ours.
"""

import gc
import os
import sys

from tinct.defaults import INTERRUPTED

__all__ = ["run"]


def run() -> None:
    """Enter from the shell: the console script ``tinct``."""
    # OpenBLAS starts a thread per core when NumPy is imported, which spin for a while; nothing of
    # ours asks BLAS. 20 ms of processor time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports make many objects and hardly any garbage, and at the end there is nothing worth
    # finding either: 20 ms that collections would take.
    gc.set_threshold(50_000)
    try:
        code = _code(sys.argv[1:])
    except KeyboardInterrupt:
        print("tinct: interrupted", file=sys.stderr, flush=True)
        code = INTERRUPTED
    gc.freeze()
    sys.exit(code)


def _code(argv: list[str]) -> int:
    """By the short way if the arguments and the picture allow it."""
    from tinct.cli.quick import quick  # after `run` has told the collector

    try:
        code = quick(argv)
    except (OSError, MemoryError) as error:
        from tinct.cli.failures import ended

        return ended(error)
    if code is not None:
        os._exit(code)  # all is written and said; taking Python apart again takes an icon 2 ms
    from tinct.cli.main import main

    return main(argv)


if __name__ == "__main__":
    run()
