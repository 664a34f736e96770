"""What a head must pass: the checks, and the small problems that they work on."""
