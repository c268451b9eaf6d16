// Counterfoil's own script; every page works without it.
