"""A model that is loaded when it is first asked, and closed at the end.

    with lazily(teacher, recipe.models) as load:
        load().generate(requests)

Where all rows and signals are there already, it is never loaded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from overproof.catalog import ModelSource
from overproof.engines import load_engine
from overproof.engines.generate import Contender
from overproof.engines.protocol import Engine
from overproof.recipe import ModelsConfig

Load = Callable[[], Engine]
"""Returns a model, loaded once."""


@contextmanager
def lazily(
    contender: Contender, models: ModelsConfig, engine: tuple[str, str] | None = None
) -> Iterator[Load]:
    """Yield what loads a model, in its own engine or in another one (name, precision).

    Raises: EngineError, when called, if it cannot run here.
    """
    name, precision = engine or engine_of(contender.source, models)
    engines: list[Engine] = []

    def load() -> Engine:
        if not engines:
            engines.append(
                load_engine(contender.source, name, precision, models.threads, models.server)
            )
        return engines[0]

    try:
        yield load
    finally:
        for loaded in engines:
            loaded.close()


def engine_of(source: ModelSource, models: ModelsConfig) -> tuple[str, str]:
    """Return name and precision of the engine that runs a model: a server's is always `server`."""
    return ("server", "server") if source.kind == "server" else (models.engine, models.precision)
