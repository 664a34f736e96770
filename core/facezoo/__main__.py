"""`python -m facezoo`: the command line, found as the console script is, where that is not on the path."""

from importlib.metadata import distribution

(script,) = distribution("facezoo").entry_points.select(group="console_scripts", name="facezoo")
script.load()()
