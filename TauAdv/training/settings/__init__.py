"""What a training can be told: its settings, and messages and documentation of them."""
