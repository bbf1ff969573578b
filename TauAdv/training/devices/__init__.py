"""Where a training runs: devices, processes, machines."""
