"""The simulated hardware: start reading at `machine`, then `pconfig` and `engine`."""
