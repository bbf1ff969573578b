#!/usr/bin/env python3
"""Open MLflow's page of the runs in a folder: parameters, metrics, files. The folder may have been moved or copied."""

from TauAdv.cli import script

main = script("runs")

if __name__ == "__main__":
    main()
