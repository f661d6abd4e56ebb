"""Numeric tables from files to arrays; never clustering."""

from tinct.tables.read import read_table
from tinct.tables.table import Scale, Table, standardize

__all__ = ["Scale", "Table", "read_table", "standardize"]
