"""The network at inference: batch normalisation folded into the weights, only what differs from an empty cell computed."""
