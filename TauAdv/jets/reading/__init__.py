"""Lines of the Jet Flavor dataset: streamed, parsed, and what is wrong with them."""
