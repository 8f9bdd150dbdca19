"""r1: a command-line experiment runner for RL reasoning training."""

__version__ = "0.1.0"
