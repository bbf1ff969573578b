"""Performance of tau taggers on labelled taus: working points, efficiencies, misidentification and ROC curves of runs."""
