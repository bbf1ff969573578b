"""What all networks of taus have in common, whatever they do with their inputs."""
