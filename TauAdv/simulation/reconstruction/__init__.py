"""From particle-flow candidates to tau candidates and their branches."""
