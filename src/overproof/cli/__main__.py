"""Run the command line as a module: `python -m overproof.cli`."""

from overproof.cli import main

main(prog_name="overproof")
