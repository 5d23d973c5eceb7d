"""From a model's source to what the engines load: tokenizer, weights, ctranslate2 folder.

A conversion is kept in the cache under the hash of the bytes it came from, so it is done once per
model. GGUF weights are dequantised; that is what gets trained and what the other engines get.

    from overproof.engines.prepare import load_tokenizer
    load_tokenizer(resolve_model("smollm2-135m-instruct"))
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from overproof.catalog import ModelSource, cache_folder
from overproof.engines.protocol import missing_engine
from overproof.errors import EngineError
from overproof.progress import silent_stderr, stage
from overproof.records import content_key
from overproof.store import storage_errors

CONVERSION = 1
"""Raised when a conversion changes, so that older ones are not used."""
TOKENIZER = "tokenizer-2"
"""Kind of the folder with config and tokenizer; its number is raised when only they change."""

DIGITS_APART = frozenset(
    {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}
)
"""Names that GGUF gives to byte-level BPE which sets each digit apart before it splits words.

transformers reads the vocabulary from the file, but not this rule. Source: llama.cpp, llama-vocab.
"""


def prepared_folder(source: ModelSource, kind: str) -> Path:
    """Return the folder that a conversion of this model goes to."""
    key = content_key(CONVERSION, source.sha256, kind)[:16]
    return cache_folder() / "prepared" / f"{source.name}-{kind}-{key}"


@lru_cache(maxsize=8)
def load_tokenizer(source: ModelSource) -> Any:
    """Return the model's `transformers` tokenizer; for a GGUF file it is converted once.

    Raises: EngineError if the model has none that can be read.
    """
    if source.tokenizer is not None:
        return load_tokenizer(source.tokenizer)
    with quiet_transformers() as transformers:
        folder = _config_folder(source, transformers)
        try:
            return transformers.AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError, KeyError) as error:
            raise EngineError(f"{source.name}: no usable tokenizer ({_line(error)})") from error


def load_weights(source: ModelSource, dtype: str) -> Any:
    """Return the model as a `transformers` module with plain (dequantised) weights, for inference.

    Raises: EngineError if its architecture is not known or the file cannot be read.
    """
    with quiet_transformers() as transformers, silent_stderr():
        folder = _config_folder(source, transformers)
        try:
            if source.kind == "folder":
                model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
            else:
                assert source.path is not None
                model = transformers.AutoModelForCausalLM.from_pretrained(
                    source.path.parent,
                    gguf_file=source.path.name,
                    config=transformers.AutoConfig.from_pretrained(folder),
                    quantization_config=transformers.GgufConfig(dequantize=True),
                    dtype=dtype,
                )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EngineError(
                f"{source.name}: cannot load the weights ({_line(error)})",
                hint="is the architecture one that transformers knows?",
            ) from error
    # where peft looks for the config
    model.name_or_path = model.config.name_or_path = str(folder)
    return model.eval()


def ctranslate2_folder(source: ModelSource) -> Path:
    """Return the folder of the model converted to ctranslate2 int8; made on first use.

    All models go through the same bfloat16 weights, so that a table compares like with like.
    Raises: EngineError if ctranslate2 has no loader for this architecture.
    """
    target = prepared_folder(source, "ctranslate2-int8")
    if target.is_dir():
        return target
    try:
        from ctranslate2.converters import TransformersConverter
    except ImportError:
        raise missing_engine("ctranslate2") from None
    with stage(f"prepare: {source.name}", 3, "steps, once") as advance:
        tokenizer = load_tokenizer(source)
        advance(1)
        model = load_weights(source, "bfloat16")
        advance(1)
        _convert(source, model, tokenizer, target, TransformersConverter)
        advance(1)
    return target


def _convert(
    source: ModelSource, model: Any, tokenizer: Any, target: Path, converter_class: Any
) -> None:
    """Write the ctranslate2 folder of a model that is in memory."""

    class LoadedConverter(converter_class):  # type: ignore[misc]
        """The library's converter, over a model that is in memory already."""

        def load_model(self, *_: Any, **__: Any) -> Any:
            return model

        def load_tokenizer(self, *_: Any, **__: Any) -> Any:
            return tokenizer

    with _placed(target) as folder, quiet_transformers(), silent_stderr():
        try:
            converter = LoadedConverter(str(_config_folder_of(source)))
            converter.convert(str(folder), quantization="int8", force=True)
        except ValueError as error:
            raise EngineError(
                f"{source.name}: ctranslate2 cannot convert it ({_line(error)})",
                hint="choose another engine: models.engine=transformers",
            ) from error


def chat_template_of(source: ModelSource) -> str | None:
    """Return the model's chat template, or None for a base model."""
    template = load_tokenizer(source).chat_template
    return template if isinstance(template, str) else None


@contextmanager
def quiet_transformers() -> Iterator[Any]:
    """Yield the transformers package, without its progress bars and its quarrels with others."""
    try:
        import transformers
    except ImportError:
        raise missing_engine("transformers") from None
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield transformers
    finally:
        transformers.logging.set_verbosity(verbosity)
        transformers.logging.enable_progress_bar()


def _config_folder_of(source: ModelSource) -> Path:
    with quiet_transformers() as transformers:
        return _config_folder(source, transformers)


def _config_folder(source: ModelSource, transformers: Any) -> Path:
    """Return a folder with config and tokenizer; for a GGUF file they are written once.

    Reading them from the file takes tens of seconds, because the whole vocabulary is parsed.
    """
    if source.path is None:
        raise EngineError(f"{source.name}: a server has no weights here")
    if source.kind == "folder":
        return source.path
    target = prepared_folder(source, TOKENIZER)
    if target.is_dir():
        return target
    folder, file = source.path.parent, source.path.name
    with _placed(target) as made, silent_stderr():
        try:
            config = transformers.AutoConfig.from_pretrained(folder, gguf_file=file)
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                folder, gguf_file=file, config=config
            )
            _set_digits_apart(tokenizer, source.path)
        except (OSError, ValueError, KeyError) as error:
            raise EngineError(
                f"{source.name}: cannot read this GGUF file ({_line(error)})",
                hint="is its architecture one that transformers knows?",
            ) from error
        config.save_pretrained(made)
        tokenizer.save_pretrained(made)
    return target


def _set_digits_apart(tokenizer: Any, path: Path) -> None:
    """Give a tokenizer the rule for digits that its file names, where reading it lost the rule."""
    from gguf import GGUFReader
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    name = GGUFReader(path).get_field("tokenizer.ggml.pre")
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if name is None or name.contents() not in DIGITS_APART or backend is None:
        return
    if isinstance(backend.pre_tokenizer, ByteLevel):
        words = ByteLevel(add_prefix_space=False, use_regex=True)
        backend.pre_tokenizer = Sequence([Digits(individual_digits=True), words])


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """Yield a folder to fill; it takes its place only when it is complete."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with storage_errors(target):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if target.is_dir():  # another process was faster
                return
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _line(error: Exception) -> str:
    """Return the error in one line."""
    return " ".join(str(error).split())[:200]
