"""One compiled step: losses, gradients, optimisers, metrics."""
