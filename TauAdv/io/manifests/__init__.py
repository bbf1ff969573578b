"""Manifests: what an output was made of, written and read back."""
