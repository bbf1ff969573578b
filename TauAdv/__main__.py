"""``python -m TauAdv``: the same as ``tauadv``."""

from TauAdv.cli import main

if __name__ == "__main__":
    main()
