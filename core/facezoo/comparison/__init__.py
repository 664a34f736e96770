"""Comparing heads: a grid of runs under one recipe, and what their figures do and do not show.

A cell of the grid is a run: a head, the values of what is swept, and a seed. Cells that differ in the seed
only are one row of the table.
"""

from __future__ import annotations

from facezoo.comparison.analysis import Comparison, Difference, Row, compare
from facezoo.comparison.grid import Cell, make_grid
from facezoo.comparison.running import Outcome, run_cell

__all__ = ["Cell", "Comparison", "Difference", "Outcome", "Row", "compare", "make_grid", "run_cell"]
