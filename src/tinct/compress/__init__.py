"""One picture drawn again and again, and the searches around it; never a stage of its own."""
