"""Commands that make samples of taus and shards of them."""
