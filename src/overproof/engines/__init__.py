"""Engines run models: one small protocol, four engines, and the stage that generates samples.

engine = load_engine(resolve_model("smollm2-135m-instruct"), "ctranslate2")
"""

from collections.abc import Callable

from overproof.catalog import ModelSource
from overproof.engines.protocol import Engine
from overproof.engines.server_config import ServerConfig
from overproof.errors import EngineError, UnknownNameError
from overproof.plugins import check_callable, load_plugin, plugins

__all__ = ["ENGINES", "Engine", "default_precision", "load_engine"]


def _ctranslate2(source: ModelSource, precision: str, threads: int) -> Engine:
    from overproof.engines.ctranslate2 import CTranslate2Engine

    return CTranslate2Engine(source, precision, threads)


def _transformers(source: ModelSource, precision: str, threads: int) -> Engine:
    from overproof.engines.transformers import TransformersEngine

    return TransformersEngine(source, precision, threads)


def _xllamacpp(source: ModelSource, precision: str, threads: int) -> Engine:
    from overproof.engines.xllamacpp import XllamacppEngine

    return XllamacppEngine(source, precision, threads)


def _server(
    source: ModelSource, precision: str, threads: int, config: ServerConfig | None = None
) -> Engine:
    from overproof.engines.server import ServerEngine

    return ServerEngine(source, tokenizer=source.tokenizer, config=config)


def _launched(name: str, source: ModelSource, threads: int, config: ServerConfig) -> Engine:
    from overproof.engines.server_launch import LaunchedEngine

    return LaunchedEngine(source, name, threads, config)


LAUNCHED = ("vllm", "sglang", "llama-server")
"""Engines that are a server, started for the model and stopped after it."""
ENGINES: dict[str, Callable[[ModelSource, str, int], Engine]] = {
    "ctranslate2": _ctranslate2,
    "server": _server,
    "transformers": _transformers,
    "xllamacpp": _xllamacpp,
}

DEFAULT_PRECISION = {
    "ctranslate2": "int8",
    "server": "server",
    "transformers": "float32",
    "xllamacpp": "gguf",
    "vllm": "auto",
    "sglang": "auto",
    "llama-server": "gguf",
}


def load_engine(
    source: ModelSource,
    name: str,
    precision: str = "",
    threads: int = 0,
    server: ServerConfig | None = None,
) -> Engine:
    """Return the model, loaded in the engine of that name, ours or an installed package's.

    `server` says how a server is asked, where the engine is one.
    Raises: UnknownNameError; EngineError if this engine cannot run this model; UsageError for a
    package's engine that cannot be loaded.
    """
    ours = (*ENGINES, *LAUNCHED)
    added = None if name in ours else load_plugin("engine", name)
    if added is not None:
        check_callable("engine", name, added)
        loaded: Engine = added(source, precision, threads)
        return loaded
    if name not in ours:
        raise UnknownNameError("engine", name, (*ours, *plugins("engine")))
    if source.kind == "server" and name != "server":
        raise EngineError(
            f"{source.name} is on a server, and {name} runs models here",
            hint="use models.engine=server",
        )
    if name == "server":
        return _server(source, precision, threads, server)
    if name in LAUNCHED:
        return _launched(name, source, threads, server or ServerConfig())
    return ENGINES[name](source, precision or default_precision(name), threads)


def default_precision(name: str) -> str:
    """Return what an engine computes in unless told otherwise; a package's own engine chooses."""
    return DEFAULT_PRECISION.get(name, "")
