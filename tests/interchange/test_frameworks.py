"""What lm-eval and Inspect call here; with the packages themselves where they are installed."""

import asyncio
import json
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from overproof.errors import UnknownNameError
from overproof.interchange import inspect as door
from overproof.interchange.judge import Judge, asked
from overproof.interchange.lm_eval import FOLDER, functions
from overproof.records import Variant
from overproof.suites import load_suite

SUITE = "humaneval"
OPERATORS = "camel_case,keyboard_typos"


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(functions.documents(SUITE, OPERATORS, limit=2, version=1.0)["test"])


def gold(document: dict[str, Any]) -> str:
    variant = json.loads(document["variant"])
    return f"Here it is:\n```python\n{variant['prompt']}{variant['canonical_solution']}```\nDone."


def test_documents_are_the_nominal_and_the_perturbed_prompts(documents: list[Any]) -> None:
    assert [(row["task_id"], row["operator"]) for row in documents] == [
        (f"HumanEval/{number}", operator)
        for operator in ("nominal", "camel_case", "keyboard_typos")
        for number in (0, 82)
    ]


def test_verdicts_are_those_of_the_tests_under_the_asked_name(documents: list[Any]) -> None:
    for row in documents:
        assert functions.verdicts(row, [gold(row)]) == {"pass@1": 1.0}
        assert functions.verdicts(row, [[gold(row), "    return None\n"]]) == {"pass@1": 0.5}


def test_each_metric_has_the_prompts_that_it_is_about(documents: list[Any]) -> None:
    nominal, perturbed = documents[0], documents[2]
    assert functions.perturbed_verdicts(nominal, [gold(nominal)]) == {"pass@1": 1.0}
    found = functions.perturbed_verdicts(perturbed, ["    pass"])
    assert found == {"perturbed_pass@1": 0.0, "robust_pass@1": ("HumanEval/0", 0.0)}
    assert functions.perturbed_verdicts(nominal | {"operator": "null"}, [gold(nominal)]) == {}


def test_what_the_tasks_name_is_there() -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    for path in FOLDER.glob("*.yaml"):
        content = yaml.load(path.read_text(), Loader)
        assert content["task"].startswith("overproof_")
        metrics = content["metric_list"]
        named = [content["process_results"], *(row["aggregation"] for row in metrics)]
        named.append(content.get("custom_dataset", "functions.documents"))
        for name in named:
            if name.startswith("functions."):
                assert callable(getattr(functions, name.removeprefix("functions.")))


def test_lm_eval_itself(documents: list[Any]) -> None:
    lm_eval = pytest.importorskip("lm_eval")
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    answers = {row["prompt"]: gold(row) for row in documents}

    class Gold(LM):  # type: ignore[misc]
        def loglikelihood(self, requests: Any) -> Any:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            return [answers[request.args[0]] for request in requests]

    tasks = TaskManager(
        include_path=str(FOLDER),
        include_defaults=False,
        metadata={"suite": SUITE, "operators": OPERATORS, "limit": 2},
    )
    found = lm_eval.simple_evaluate(
        model=Gold(),
        tasks=["overproof_perturbed"],
        task_manager=tasks,
        confirm_run_unsafe_code=True,
    )["results"]["overproof_perturbed"]
    for metric in ("pass@1", "perturbed_pass@1", "robust_pass@1"):
        assert found[f"{metric},none"] == 1.0


def test_the_judge_serves_several_threads_and_names_its_problems() -> None:
    judge = Judge(load_suite(SUITE, 2), workers=1)

    async def ask() -> list[Any]:
        body = load_suite(SUITE, 1)[0].canonical_solution
        calls = [
            asyncio.to_thread(judge.verdicts, "HumanEval/0", [body, "    return 1\n"])
            for _ in range(3)
        ]
        return await asyncio.gather(*calls)

    for right, wrong in asyncio.run(ask()):
        assert (right.status, wrong.status) == ("passed", "wrong_answer")
    with pytest.raises(UnknownNameError, match="problem 'HumanEval/1'"):
        judge.verdicts("HumanEval/1", ["x"])


def test_robust_pass_wants_all_variants_of_a_task() -> None:
    def row(task: str, operator: str, right: bool) -> Any:
        score = SimpleNamespace(as_float=lambda: float(right))
        return SimpleNamespace(sample_metadata={"task_id": task, "operator": operator}, score=score)

    rows = [
        *(row("a", "nominal", False), row("a", "x", True), row("a", "y", True)),
        *(row("b", "nominal", True), row("b", "x", False), row("b", "y", True)),
    ]
    measured = door.robust_pass()
    assert measured(rows) == 0.5
    assert measured(rows[:1]) == 0.0


def test_inspect_itself(tmp_path: Any) -> None:
    pytest.importorskip("inspect_ai")
    from inspect_ai import eval as run_task
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    _, variants = asked(SUITE, OPERATORS, 1, 2)
    outputs = [answer_of(ModelOutput, ModelUsage, variant) for variant in variants]
    model = get_model("mockllm/model", custom_outputs=outputs)
    task = door.problems(suite=SUITE, operators=OPERATORS, seeds=1, limit=2)
    (log,) = run_task(
        task, model=model, log_dir=str(tmp_path), display="none", max_samples=1, max_connections=1
    )
    metrics = {name: row.value for name, row in log.results.scores[0].metrics.items()}
    assert metrics["accuracy"] == metrics["robust_pass"] == metrics["camel_case"] == 1.0


def answer_of(output: Any, usage: Any, variant: Variant) -> Any:
    text = f"```python\n{variant.prompt}{variant.canonical_solution}```"
    found = output.from_content("mockllm/model", text)
    found.usage = usage(input_tokens=1, output_tokens=1, total_tokens=2)
    return found


def test_without_inspect_nothing_is_registered() -> None:
    assert (find_spec("inspect_ai") is not None) == door.FOUND
    assert callable(door.problems) and callable(door.tests)
