"""The campaign of bench/reliability.py: kills, full disks, damaged files, two processes at once, generated inputs."""
