"""Studies of domain adaptation: what it repaired in the control region, and what it cost."""
