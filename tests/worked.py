"""What processes of `test_folders` do, in a module that is soon imported."""

import os
import time


def work(number, threads):
    """Most give an answer; one dies, one takes long."""
    if number == 3:
        os._exit(9)
    if number == 5:
        time.sleep(60)
    return number * 10, threads
