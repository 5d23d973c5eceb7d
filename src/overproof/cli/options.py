"""Options that several commands have."""

import click

engine_option = click.option(
    "--engine",
    type=click.Choice(["auto", "ctranslate2", "server", "transformers", "xllamacpp"]),
    default="auto",
    show_default=True,
    help="auto: server if all models are, xllamacpp if all are GGUF files, else ctranslate2.",
)
