"""What facezoo writes: whole files and folders, claims that end with their process, and what it may delete.

- `durable`: a file or folder appears whole, under its name, or not at all.
- `remains`: what a killed process left half made; nothing is deleted that facezoo cannot prove it made.
- `claims`: one process at a time in a folder.
- `sealed`: JSON that carries its own digest.
- `reading`, `paths`: what a file is that is to be read, and how its path is shown.

A link that stands where facezoo writes is never written through: `durable` replaces it, and what is appended
to refuses it. Links among the folders above are followed, as everywhere.
"""
