"""Training sets on disk: write taus with sparse features, labels and weights; read them back shuffled and in batches."""
