"""What a training does with its batches: one file each."""
