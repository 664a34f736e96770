"""What a set of faces holds, what needs mending in it, and what it shares with the set that is tested on."""
