"""What a result depends on, written down beside it: models, versions, machine.

describe_run(contenders, samples, outcomes, "overproof run demo")
"""

import os
import platform
import resource
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from overproof import __version__
from overproof.engines.generate import Contender
from overproof.engines.prepare import prepared_folder
from overproof.engines.server_config import ServerConfig
from overproof.engines.server_usage import usage_of
from overproof.records import Outcome, Sample

PACKAGES = ("torch", "transformers", "peft", "ctranslate2", "xllamacpp", "numpy", "scipy")


def describe_run(
    contenders: Sequence[Contender],
    samples: Sequence[Sample],
    outcomes: Sequence[Outcome],
    command: str,
    server: ServerConfig | None = None,
) -> dict[str, Any]:
    """Return the manifest: models in table order, versions, processor, peak memory, tiers.

    `server` has the prices of tokens.
    """
    prices = server or ServerConfig()
    return {
        "command": command,
        "models": [_describe_model(contender, samples, prices) for contender in contenders],
        "overproof": __version__,
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "platform": platform.platform(terse=True),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "peak_memory_gib": round(peak_memory_gib(), 2),
        "isolation": sorted({outcome.tier for outcome in outcomes if outcome.tier}),
        "toolchains": sorted({outcome.toolchain for outcome in outcomes if outcome.toolchain}),
    }


def peak_memory_gib() -> float:
    """Return the peak resident memory of this process, in GiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def _describe_model(
    contender: Contender, samples: Sequence[Sample], prices: ServerConfig
) -> dict[str, Any]:
    written = [sample for sample in samples if sample.model == contender.name]
    own = written[0] if written else None
    engine = own.engine if own else ""
    source = contender.source
    return {
        "name": contender.name,
        "label": contender.name,
        "source": f"{source.url}#{source.model_id}" if source.kind == "server" else source.name,
        "size_bytes": _size_bytes(contender, engine),
        "sha256": "" if source.kind == "server" else source.sha256,  # a server's hash is a name
        "engine": engine,
        "precision": own.precision if own else "",
        "usage": usage_of(written, prices),
    }


def _size_bytes(contender: Contender, engine: str) -> int | None:
    """Return the size of the weights as they were run."""
    if engine == "ctranslate2":
        path: Path | None = prepared_folder(contender.source, "ctranslate2-int8") / "model.bin"
    else:
        path = contender.source.path
    if path is None or not path.exists():
        return None
    files = [path] if path.is_file() else list(path.glob("*.safetensors"))
    return sum(file.stat().st_size for file in files)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's name, and the vector instructions that engines choose by."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "i8mm")
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    name = fields.get("model name", platform.machine())
    return f"{name} ({', '.join(flag for flag in known if flag in flags) or 'no vector flags'})"
