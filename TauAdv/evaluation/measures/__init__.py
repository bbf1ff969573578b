"""What is measured of scores: closure, performance, agreement, each with its statistical error."""
