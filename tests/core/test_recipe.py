from pathlib import Path

import pytest
import yaml

from overproof import study
from overproof.errors import RecipeError, UnknownNameError
from overproof.recipe import dump_recipe, load_recipe, recipe_from, recipe_names
from overproof.sandbox.confine import UnconfinedError


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load_and_survive_a_round_trip(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe_from(yaml.safe_load(dump_recipe(recipe))) == recipe


def test_overrides_change_nested_values_with_their_types() -> None:
    recipe = load_recipe(
        "demo", ["distill.learning_rate=1e-5", "perturb.operators=[camel_case]", "seed=7"]
    )
    assert recipe.distill.learning_rate == 1e-5
    assert recipe.perturb.operators == ("camel_case",)
    assert recipe.seed == 7


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("distill.learnin_rate=1", "unknown key distill.learnin_rate", "distill.learning_rate"),
        ("distil.steps=1", "unknown key distil", "distill"),
        ("zzz=1", "unknown key zzz", "known: name"),
        ("distill.steps=many", "distill.steps", ""),
        ("distill.steps=0", "distill.steps must be at least 1", ""),
        ("distill=3", "distill holds keys", ""),
        ("distill.steps.deep=3", "steps", ""),
        ("distill.kd_weight=-1", "must not be negative", ""),
        ("sampling.k=[1,5]", "pass@5 needs", "num_samples=5"),
        ("sampling.num_samples=3", "greedy samples", "temperature"),
        ("models.engine=torch", "models.engine", ""),
        ("limits.cpu_seconds=0", "cpu_seconds", ""),
        ("steps", "not of the form key=value", "distill.steps=20"),
    ],
)
def test_a_wrong_override_says_what_and_how_to_mend_it(
    override: str, message: str, hint: str
) -> None:
    with pytest.raises(Exception) as error:
        load_recipe("demo", [override])
    assert message in str(error.value)
    assert hint in getattr(error.value, "hint", "")
    assert getattr(error.value, "exit_code", 1) == 2


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as error:
        load_recipe("dmeo")
    assert "demo" in error.value.hint


def test_a_missing_file_and_broken_yaml_are_recipe_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no recipe file"):
        load_recipe(str(tmp_path / "none.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    with pytest.raises(RecipeError, match="not valid YAML"):
        load_recipe(str(broken))
    broken.write_text("- a\n- list\n")
    with pytest.raises(RecipeError, match="mapping"):
        load_recipe(str(broken))


def test_a_study_that_could_execute_nothing_stops_at_once(tmp_path: Path) -> None:
    recipe = load_recipe("demo", ["limits.isolation=rlimits"])
    with pytest.raises(UnconfinedError, match="nothing on this machine holds"):
        study.run(recipe, tmp_path / "run", "test")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("held", ["text", "keyboard_typos", "ButterFingersPerturbation", "E1"])
def test_a_recipe_that_trains_on_what_it_holds_out_is_refused(held: str) -> None:
    recipe = load_recipe("demo", [f"perturb.held_out=[{held}]"])
    with pytest.raises(RecipeError, match="held out"):
        study.check_held_out(recipe)


def test_what_training_does_not_see_may_be_held_out() -> None:
    study.check_held_out(load_recipe("demo", ["perturb.held_out=[names, code, camel_case]"]))
    with pytest.raises(UnknownNameError):
        study.check_held_out(load_recipe("demo", ["perturb.held_out=[texts]"]))
