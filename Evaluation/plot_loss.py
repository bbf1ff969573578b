#!/usr/bin/env python3
"""Plot what trainings logged per epoch, or the loss of one jet as two of its inputs move, into the first run's artifacts."""

from TauAdv.cli import script

main = script("plot-loss")

if __name__ == "__main__":
    main()
