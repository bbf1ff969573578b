"""Commands that make samples of jets and shards of them."""
