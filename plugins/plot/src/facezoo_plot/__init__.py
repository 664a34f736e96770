"""What a margin does, in a picture: heads are measured like black boxes, and what was found is drawn.

`curves.probe` builds a head at the end of a run and measures it through the head protocol alone; its arrays
are NumPy's. `figure.draw` draws them with matplotlib. Nothing is imported here: the help must be quick.
"""
