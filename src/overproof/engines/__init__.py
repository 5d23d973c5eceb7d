"""Engines run models: one small protocol, four engines, and the stage that generates samples.

engine = load_engine(resolve_model("smollm2-135m-instruct"), "ctranslate2")
"""

from collections.abc import Callable

from overproof.catalog import ModelSource
from overproof.engines.protocol import Engine
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


def _server(source: ModelSource, precision: str, threads: int) -> Engine:
    from overproof.engines.server import ServerEngine

    return ServerEngine(source, tokenizer=source.tokenizer)


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
}


def load_engine(source: ModelSource, name: str, precision: str = "", threads: int = 0) -> Engine:
    """Return the model, loaded in the engine of that name, ours or an installed package's.

    Raises: UnknownNameError; EngineError if this engine cannot run this model; UsageError for a
    package's engine that cannot be loaded.
    """
    added = None if name in ENGINES else load_plugin("engine", name)
    if added is not None:
        check_callable("engine", name, added)
        loaded: Engine = added(source, precision, threads)
        return loaded
    if name not in ENGINES:
        raise UnknownNameError("engine", name, (*ENGINES, *plugins("engine")))
    if source.kind == "server" and name != "server":
        raise EngineError(
            f"{source.name} is on a server, and {name} runs models here",
            hint="use models.engine=server",
        )
    return ENGINES[name](source, precision or default_precision(name), threads)


def default_precision(name: str) -> str:
    """Return what an engine computes in unless told otherwise; a package's own engine chooses."""
    return DEFAULT_PRECISION.get(name, "")
