"""Run the command line as a module: `python -m overproof`."""

from overproof.cli import main

main(prog_name="overproof")
