"""Loss history and loss surface of runs."""
