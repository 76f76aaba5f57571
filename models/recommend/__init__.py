"""Which model of the catalogue this machine should serve, from what it was timed to compute."""
