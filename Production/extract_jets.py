#!/usr/bin/env python3
"""Extract jets: a .json.gz file of one jet a line (Jet Flavor dataset) becomes Arrow files with the needed columns."""

from TauAdv.cli import script

main = script("jets extract")

if __name__ == "__main__":
    main()
