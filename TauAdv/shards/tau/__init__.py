"""Sets of shards of taus: from tuples to training sets."""
