"""Studies of robustness: what runs say of inputs as they are and disturbed."""
