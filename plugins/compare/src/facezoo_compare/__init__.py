"""Comparing heads: a grid of runs under one recipe, and what their figures do and do not show.

A cell of the grid is a run: a head, the values of what is swept, and a seed. Cells that differ in the seed
only are one row of the table.
"""
