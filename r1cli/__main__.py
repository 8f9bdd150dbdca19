"""`python -m r1cli` is `r1`."""

from r1cli.cli import app

if __name__ == "__main__":
    app(prog_name="r1")
