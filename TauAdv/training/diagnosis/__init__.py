"""What is watched beside the training, and why one ended."""
