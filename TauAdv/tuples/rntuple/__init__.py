"""What uproot lacks for RNTuples: clusters shared by blocks, page checksums, types of fields."""
