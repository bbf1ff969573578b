#!/usr/bin/env python3
"""Write and submit a batch job (Slurm or HTCondor) that trains; a job that is stopped and started again resumes its run."""

from TauAdv.cli import script

main = script("submit")

if __name__ == "__main__":
    main()
