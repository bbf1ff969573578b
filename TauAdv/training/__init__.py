"""Training of classifiers and of adversarial models."""
