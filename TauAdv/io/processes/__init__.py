"""Other processes: a pool of workers that die with their parent, and work shared with them."""
