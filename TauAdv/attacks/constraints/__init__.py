"""Which inputs an attack may change, how far, and what follows them."""
