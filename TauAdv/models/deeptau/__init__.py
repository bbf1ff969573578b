"""The DeepTau network, its settings, losses and sparse layers."""
