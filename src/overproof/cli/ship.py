"""The commands that let others use a model: export, serve, try."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from overproof.cli.options import json_option, news, print_json


@click.command("export")
@click.argument("checkpoint")
@click.option("--to", type=click.Choice(["gguf", "safetensors", "onnx"]), default="gguf")
@click.option(
    "--quantise",
    "quantisations",
    multiple=True,
    type=click.Choice(["f16", "q8_0", "q4_k_m", "bf16"]),
    help="Repeat for several [default: q4_k_m for GGUF, bf16 for safetensors].",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--base", default="", help="GGUF file of the base model [default: the card's].")
@click.option("--prompts", default=32, show_default=True, help="That both answer; 0: none.")
@click.option("--run", type=click.Path(path_type=Path), help="Run whose results the card shows.")
@click.option("--model", default="", help="Name in that run [default: distilled, or its last].")
@click.option("--measure", is_flag=True, help="Measure pass@1 of what was written, too.")
@click.option("--limit", type=int, help="Problems for --measure.")
@click.option("--push", default="", metavar="OWNER/NAME", help="Send the folder to a hub.")
@click.option("--private", is_flag=True, help="If the repository is made.")
@click.option("--dry-run", is_flag=True, help="With --push: only say what would be sent.")
@click.option("--threads", default=0, show_default=True, help="0 takes all there are.")
@json_option
def export_command(
    checkpoint: str,
    to: str,
    quantisations: tuple[str, ...],
    out: Path,
    base: str,
    prompts: int,
    run: Path | None,
    model: str,
    measure: bool,
    limit: int | None,
    push: str,
    private: bool,
    dry_run: bool,
    threads: int,
    as_json: bool,
) -> None:
    """Write a checkpoint for llama.cpp, Ollama and LM Studio (GGUF), or as safetensors.

    What was written is read back and answers the same prompts as the checkpoint; export.json has
    hashes, sizes and agreement, README.md is the card, Modelfile is Ollama's.
    """
    from overproof.models import resolve_model
    from overproof.ship import hub
    from overproof.ship.export import Wanted, Written, check_wanted, export
    from overproof.ship.origin import read_origin
    from overproof.ship.release import run_rows, write_release_card

    wanted = Wanted(
        to=to,  # type: ignore[arg-type]  # one of the choices
        quantisations=quantisations or (("q4_k_m",) if to == "gguf" else ("bf16",)),
        out=out,
        base=base,
        prompts=prompts,
        threads=threads,
    )
    check_wanted(wanted)
    if push:
        hub.check_repository(push)
    if run:
        run_rows(run, model)
    source = resolve_model(checkpoint)
    written = []
    for told in export(source, wanted):
        if isinstance(told, Written):
            written.append(told)
        else:
            news(told, as_json)
    assert source.path is not None
    card = write_release_card(out, read_origin(source.path), run, model)
    news(f"{card}: the card", as_json)
    results: dict[str, Any] = {}
    if measure:
        results = _measure([str(one.source.path) for one in written], limit, out, as_json)
    sent = []
    if push:
        for line in hub.push(out, push, private=private, dry_run=dry_run):
            sent.append(line)
            news(line, as_json)
    if as_json:
        files = [{"path": one.source.path, **one.record} for one in written]
        print_json({"files": files, "card": card, "measured": results, "pushed": sent})


@click.command("serve")
@click.argument("model")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="0 takes one that is free.")
@click.option("--slots", default=4, show_default=True, help="Requests at once.")
@click.option("--context", default=4096, show_default=True, help="Tokens per request.")
@click.option(
    "--quantise",
    type=click.Choice(["f16", "q8_0", "q4_k_m"]),
    default="f16",
    show_default=True,
    help="Of a checkpoint folder, which is exported first, into the cache.",
)
@click.option("--threads", default=0, show_default=True, help="0 takes all there are.")
@json_option
def serve_command(
    model: str,
    host: str,
    port: int,
    slots: int,
    context: int,
    quantise: str,
    threads: int,
    as_json: bool,
) -> None:
    """Serve a model by llama.cpp: OpenAI's API, and a page to try it in a browser.

    MODEL is a checkpoint folder, a GGUF file or a name of the catalogue. Ctrl-C ends it.
    """
    import threading

    from overproof.ship.serving import Served, curl_line
    from overproof.ship.side_by_side import as_gguf

    source = as_gguf(model, quantise, threads)
    with Served(
        source, host=host, port=port, slots=slots, context=context, threads=threads
    ) as served:
        if as_json:
            print_json({"model": served.alias, "url": served.url, "page": served.address})
        news(f"serving {served.alias} at {served.url} (a page: {served.address})", as_json)
        news(curl_line(served.url, served.alias), as_json)
        news(f"overproof eval --model '{served.url}#{served.alias}'", as_json)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


@click.command("try")
@click.option("--model", "models", multiple=True, required=True, help="Repeat to compare.")
@click.option("--max-new-tokens", default=256, show_default=True, help="Length of an answer.")
@click.option("--temperature", default=0.0, show_default=True, help="0 is greedy.")
@click.option("--threads", default=0, show_default=True, help="0 takes all there are.")
@json_option
@click.argument("prompt")
def try_command(
    models: tuple[str, ...],
    max_new_tokens: int,
    temperature: float,
    threads: int,
    as_json: bool,
    prompt: str,
) -> None:
    """Let models answer one prompt, side by side.

    Each is a checkpoint folder, a GGUF file, a name of the catalogue, or a server's URL#name; all
    are asked with their own chat template. On a terminal the text appears as it is written.
    """
    from rich.console import Console
    from rich.live import Live

    from overproof.ship.side_by_side import Answer, answer_both, label, side_by_side
    from overproof.terminal import lively

    names, console = [label(name) for name in models], Console()
    texts = [""] * len(models)
    moves = lively(sys.stdout) and not as_json
    live = Live(console=console, refresh_per_second=8, transient=True) if moves else None

    def show(column: int, piece: str) -> None:
        texts[column] += piece
        if live is not None:
            live.update(side_by_side(names, texts))

    with live or nullcontext():
        answers: list[Answer] = answer_both(
            models,
            prompt,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            threads=threads,
            on_piece=show,
        )
    if as_json:
        print_json(answers)
        return
    told = [f"{one.tokens} tokens, {one.seconds:.1f} s" for one in answers]
    console.print(side_by_side(names, [one.text for one in answers], told))


def _measure(models: list[str], limit: int | None, out: Path, as_json: bool) -> dict[str, Any]:
    """Measure pass@1 as `overproof eval` does; print it, or return it to be printed."""
    from overproof import study
    from overproof.cli.study import _command, _print_end
    from overproof.evaluation import evaluation_recipe

    recipe = evaluation_recipe(models, ("humaneval",), "", 1, limit, "auto", "", 0)
    finished = study.evaluate(models, recipe, out.with_name(f"{out.name}-measured"), _command())
    if not as_json:
        _print_end(finished, "")
    return {"report": finished.report, "scores": finished.scores}
