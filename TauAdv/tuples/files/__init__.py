"""Which files an input means."""
