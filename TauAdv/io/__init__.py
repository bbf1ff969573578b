"""What is written is whole, checked and locked: atomic files and folders, manifests, checksums, locks."""
