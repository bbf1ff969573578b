"""Sets of shards of jets: from extracted jets to training sets."""
