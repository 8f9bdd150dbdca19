"""The run directory: what a training did, with what, and what came out. Only here are file names known."""
