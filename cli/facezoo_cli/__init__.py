"""The command line of facezoo: one module a command, imported on use."""
