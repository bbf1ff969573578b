#!/usr/bin/env python3
"""Import a CMS DeepTau network from its three frozen graphs, checked against executing them."""

from TauAdv.cli import script

main = script("import-cms")

if __name__ == "__main__":
    main()
