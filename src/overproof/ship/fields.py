"""The fields of a GGUF file: copied from the file the model came from, or made from its folder.

A base file has what a folder has not: how llama.cpp is to split text before merging. Without
one, that is told by the splitting rules of tokenizer.json, as far as they are known here.

Covered: byte-level BPE (Qwen2, Llama 3, SmolLM2, GPT-2); added tokens; padded vocabularies.
Not covered: SentencePiece vocabularies and scaled rope, except by copying from a base file.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from overproof.errors import DataError, EngineError
from overproof.ship.ggml import gguf_package
from overproof.ship.header import Field, Fields, Header
from overproof.ship.layout import FILE_TYPES, check_architecture

WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {
    rf"(?i:'s|'t|'re|'ve|'m|'ll|'d)|{WORD}|\p{{N}}|{REST}": "qwen2",
    rf"(?i:'s|'t|'re|'ve|'m|'ll|'d)|{WORD}|\p{{N}}{{1,3}}|{REST}": "llama-bpe",
}
"""llama.cpp's name of a rule that splits text, by the rule of tokenizer.json."""
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Kinds of token. Source: GGUF specification, tokenizer.ggml.token_type."""
NOT_COPIED = ("split.", "quantize.")
OWN = ("general.file_type", "general.quantization_version", "general.name", "general.architecture")
HINT = "name the GGUF file of the base model with --base: its fields are copied"


def copied_fields(base: Header) -> Fields:
    """Return the fields of a GGUF file that hold for other weights of the same model, too."""
    return {
        key: field
        for key, field in base.fields.items()
        if not key.startswith(NOT_COPIED) and key not in OWN
    }


def built_fields(folder: Path, config: Mapping[str, Any]) -> Fields:
    """Return the fields that a folder's config.json and tokenizer.json amount to.

    Raises: EngineError for a tokenizer or a rope that is not known here; DataError without one.
    """
    rope = _rope(config)
    scaling = rope.get("rope_type") or rope.get("type") or "default"
    if scaling != "default":
        raise EngineError(f"the rope of this model is scaled ({scaling})", hint=HINT)
    kind = Field("model", gguf_package().GGUFValueType.STRING)
    return {"general.type": kind, **_shape_fields(config), **_tokenizer_fields(folder)}


def complete(
    fields: Fields, folder: Path, config: Mapping[str, Any], name: str, quantisation: str
) -> Fields:
    """Return the fields with template, name and file type, and with as many tokens as rows.

    Raises: DataError if the tokenizer has more tokens than the model has rows.
    """
    kinds = gguf_package().GGUFValueType
    done = {
        **fields,
        "general.name": Field(name, kinds.STRING),
        "general.file_type": Field(FILE_TYPES[quantisation], kinds.UINT32),
        "general.quantization_version": Field(2, kinds.UINT32),
    }
    if template := read_template(folder):
        done["tokenizer.chat_template"] = Field(template, kinds.STRING)
    rows, architecture = int(config["vocab_size"]), check_architecture(config)
    tokens = list(fields["tokenizer.ggml.tokens"].value)
    types = list(fields["tokenizer.ggml.token_type"].value)
    if len(tokens) > rows:
        raise DataError(
            f"{folder}: {len(tokens)} tokens, but the model has {rows} rows",
            hint="is the tokenizer that of another model?",
        )
    padding = [f"[PAD{number}]" for number in range(len(tokens), rows)]
    done["tokenizer.ggml.tokens"] = Field(tokens + padding, kinds.ARRAY, kinds.STRING)
    types += [UNUSED] * len(padding)
    done["tokenizer.ggml.token_type"] = Field(types, kinds.ARRAY, kinds.INT32)
    done[f"{architecture}.vocab_size"] = Field(rows, kinds.UINT32)
    return done


def differing(fields: Fields, folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Return in what a base file is another model than the folder: shapes, and tokens by number."""
    found = []
    for key, field in _shape_fields(config).items():
        theirs = fields.get(key)
        if theirs is not None and abs(theirs.value - field.value) > 1e-5 * abs(field.value):
            found.append(f"{key} is {theirs.value}, not {field.value}")
    theirs = fields["tokenizer.ggml.tokens"].value
    for number, token in _vocabulary(_tokenizer(folder)).items():
        if number >= len(theirs) or theirs[number] != token:
            found.append(f"token {number} is not {token!r}")
            break
    return found


def read_template(folder: Path) -> str:
    """Return the chat template of a folder, or ""."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text()
    template = _read_json(folder / "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else ""


def _shape_fields(config: Mapping[str, Any]) -> Fields:
    """Return the fields on layers, heads and an unscaled rope."""
    kinds = gguf_package().GGUFValueType
    architecture, heads = check_architecture(config), int(config["num_attention_heads"])
    width = int(config["hidden_size"])
    head = int(config.get("head_dim") or width // heads)
    whole = {
        "context_length": config["max_position_embeddings"],
        "embedding_length": width,
        "block_count": config["num_hidden_layers"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": heads,
        "attention.head_count_kv": config.get("num_key_value_heads") or heads,
        "rope.dimension_count": head,
    }
    if head * heads != width:
        whole |= {"attention.key_length": head, "attention.value_length": head}
    theta = _rope(config).get("rope_theta") or config.get("rope_theta") or 10000.0
    real = {"rope.freq_base": theta, "attention.layer_norm_rms_epsilon": config["rms_norm_eps"]}
    return {
        **{f"{architecture}.{key}": Field(int(n), kinds.UINT32) for key, n in whole.items()},
        **{f"{architecture}.{key}": Field(float(x), kinds.FLOAT32) for key, x in real.items()},
    }


def _rope(config: Mapping[str, Any]) -> dict[str, Any]:
    return dict(config.get("rope_parameters") or config.get("rope_scaling") or {})


def _tokenizer_fields(folder: Path) -> Fields:
    kinds = gguf_package().GGUFValueType
    tokenizer, settings = _tokenizer(folder), _read_json(folder / "tokenizer_config.json")
    if tokenizer["model"].get("type") != "BPE" or tokenizer["model"].get("byte_fallback"):
        raise EngineError(f"{folder}: the tokenizer is no byte-level BPE", hint=HINT)
    vocabulary = _vocabulary(tokenizer)
    added = {token["id"]: token for token in tokenizer.get("added_tokens") or []}
    count = max(vocabulary) + 1
    tokens = [vocabulary.get(number, f"[PAD{number}]") for number in range(count)]
    types = [_token_kind(number, vocabulary, added) for number in range(count)]
    pairs = tokenizer["model"]["merges"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in pairs]
    numbers = {token: number for number, token in vocabulary.items()}
    fields = {
        "tokenizer.ggml.model": Field("gpt2", kinds.STRING),
        "tokenizer.ggml.pre": Field(split_name(tokenizer.get("pre_tokenizer")), kinds.STRING),
        "tokenizer.ggml.tokens": Field(tokens, kinds.ARRAY, kinds.STRING),
        "tokenizer.ggml.token_type": Field(types, kinds.ARRAY, kinds.INT32),
        "tokenizer.ggml.merges": Field(merges, kinds.ARRAY, kinds.STRING),
        "tokenizer.ggml.add_bos_token": Field(_adds_bos(tokenizer, settings), kinds.BOOL),
    }
    roles = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    for role, theirs in roles.items():
        token = settings.get(f"{role}_token")
        token = token.get("content") if isinstance(token, dict) else token
        if token in numbers:
            fields[f"tokenizer.ggml.{theirs}_token_id"] = Field(numbers[token], kinds.UINT32)
    return fields


def split_name(rule: Any) -> str:
    r"""Return llama.cpp's name of the rule by which tokenizer.json splits text.

    >>> digits = {"type": "Digits", "individual_digits": True}
    >>> split_name({"type": "Sequence", "pretokenizers": [digits, {"type": "ByteLevel"}]})
    'smollm'

    Raises: EngineError for a rule that is not known here.
    """
    parts = (rule or {}).get("pretokenizers") or [rule or {}]
    patterns = [part["pattern"].get("Regex") for part in parts if part.get("type") == "Split"]
    kinds = [part.get("type") for part in parts]
    if len(patterns) == 1 and patterns[0] in SPLITS and kinds == ["Split", "ByteLevel"]:
        return SPLITS[patterns[0]]
    if kinds == ["Digits", "ByteLevel"] and parts[0].get("individual_digits"):
        return "smollm"
    if kinds == ["ByteLevel"] and parts[0].get("use_regex", True):
        return "gpt-2"
    raise EngineError(
        f"how tokenizer.json splits text ({', '.join(map(str, kinds))}) has no known name in GGUF",
        hint=HINT,
    )


def _token_kind(
    number: int, vocabulary: Mapping[int, str], added: Mapping[int, Mapping[str, Any]]
) -> int:
    if number not in vocabulary:
        return UNUSED
    if number not in added:
        return NORMAL
    return CONTROL if added[number].get("special") else USER_DEFINED


def _adds_bos(tokenizer: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether encoding puts a first token before the text."""
    processor = tokenizer.get("post_processor") or {}
    parts: Sequence[Any] = processor.get("processors") or [processor]
    single = [part for one in parts for part in one.get("single") or []]
    return bool(settings.get("add_bos_token")) or bool(single and "SpecialToken" in single[0])


def _vocabulary(tokenizer: Mapping[str, Any]) -> dict[int, str]:
    """Return the tokens by number, the added ones among them."""
    found = {number: token for token, number in tokenizer["model"]["vocab"].items()}
    return found | {one["id"]: one["content"] for one in tokenizer.get("added_tokens") or []}


def _tokenizer(folder: Path) -> dict[str, Any]:
    """Return tokenizer.json. Raises: DataError if the folder has none."""
    found = _read_json(folder / "tokenizer.json")
    if not found:
        raise DataError(
            f"{folder}: no tokenizer.json", hint="save it with `tokenizer.save_pretrained`"
        )
    return found


def _read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, {} if there is no such file. Raises: DataError if it is damaged."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: {error}", hint="write the checkpoint again") from None
    return found if isinstance(found, dict) else {}
