"""Settings of a training, with their messages and documentation."""
