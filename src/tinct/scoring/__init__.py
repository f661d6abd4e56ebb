"""How good a picture is, and the report that says so; never printing."""
