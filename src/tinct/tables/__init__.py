"""Numeric tables from files to arrays; never clustering."""

from tinct.tables.read import Scale, Table, read_table, standardize

__all__ = ["Scale", "Table", "read_table", "standardize"]
