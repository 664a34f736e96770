"""`python -m facezoo_cli`: the command line where the console script is not on the path."""

from facezoo_cli.main import main

main()
