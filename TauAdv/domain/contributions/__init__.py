"""Contributions of a control region: what one is, the file that lists them, and what several sources say of them."""
