"""Embeddings of a whole folder in a file that `facezoo evaluate --embeddings` reads: stopped, it goes on."""
