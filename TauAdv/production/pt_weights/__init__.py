"""pT weights of the control region."""
