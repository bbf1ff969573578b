"""Commands that look at trained runs and export them."""
