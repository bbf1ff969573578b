"""Batch jobs of Slurm and HTCondor."""
