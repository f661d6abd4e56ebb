"""Many pictures on many cores and machines; never a scheduler of our own."""
