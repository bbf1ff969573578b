"""The language of selections: C++ expressions over branches, parsed to a tree and computed on whole arrays."""
