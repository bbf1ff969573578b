"""The jet-flavour network, its settings and losses."""
