r"""An operator that puts another, complete function above the entry point: read, never called.

    >>> from overproof.perturbation.draft import generator_for
    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> print(neighbouring_code(problem, generator_for("t", "x", 2), 1.0).prompt)
    def greet_guest(guest, polite=True):
        opening = "Good evening" if polite else "Hey"
        return f"{opening}, {guest}!"
    <BLANKLINE>
    <BLANKLINE>
    def f(x):
        "Add 1."
    <BLANKLINE>

Not covered: a neighbour that shares names, imports or helpers with the function; those that have
to do with the task are left out.
"""

import random
import re
from functools import lru_cache

from overproof.perturbation.draft import Draft, Operator, shuffled
from overproof.perturbation.prompt.framing import entry_function
from overproof.perturbation.source import Positions, apply_edits, identifiers
from overproof.records import Problem

NEIGHBOURS = {
    "clamp_volume": "(level):\n    if level < 0:\n        return 0\n    return min(level, 11)\n",
    "greet_guest": (
        "(guest, polite=True):\n"
        '    opening = "Good evening" if polite else "Hey"\n'
        '    return f"{opening}, {guest}!"\n'
    ),
    "price_label": '(cents):\n    return f"{cents // 100}.{cents % 100:02d} EUR"\n',
    "seat_number": (
        "(row_letter, seat):\n"
        '    """Return the label that is printed on a ticket."""\n'
        '    return row_letter.upper() + "-" + str(seat)\n'
    ),
    "kelvin": "(celsius):\n    return celsius + 273.15\n",
    "opening_hours": (
        '(weekend):\n    if weekend:\n        return ("10:00", "16:00")\n'
        '    return ("08:00", "18:00")\n'
    ),
    "mask_card": '(card):\n    visible = card[-4:]\n    return "*" * 12 + visible\n',
    "shipping_cost": (
        "(weight_kg, express=False):\n"
        '    """Return the cost in cents: a base fee and so much per kilogram."""\n'
        "    cost = 490 + 120 * weight_kg\n"
        "    if express:\n        cost += 700\n"
        "    return cost\n"
    ),
    "full_address": '(street, city, postcode):\n    return f"{street}\\n{postcode} {city}"\n',
    "traffic_light": (
        '(state):\n    following = {"green": "amber", "amber": "red", "red": "green"}\n'
        "    return following[state]\n"
    ),
    "battery_warning": (
        '(percent):\n    """Return the text to show, or nothing while there is no need."""\n'
        '    if percent > 20:\n        return ""\n'
        '    return "critical" if percent < 5 else "low"\n'
    ),
    "retry_delay": "(attempt):\n    return min(60, 2**attempt)\n",
    "log_prefix": '(module, level="INFO"):\n    return f"[{level}] {module}: "\n',
    "html_badge": (
        '(label, colour):\n    style = f"background: {colour}"\n'
        "    return f'<span style=\"{style}\">{label}</span>'\n"
    ),
    "page_bounds": (
        "(page, per_page=25):\n    start = page * per_page\n    return start, start + per_page\n"
    ),
    "loyalty_points": (
        "(cents, member):\n    points = cents // 100\n"
        "    if member:\n        points *= 2\n    return points\n"
    ),
    "room_name": '(floor, door):\n    return f"Room {floor}{door:02d}"\n',
    "boiling_point": (
        "(altitude_m):\n"
        '    """Return degrees Celsius, by the rule of thumb for cooks."""\n'
        "    return 100 - altitude_m / 285\n"
    ),
    "greeting_card": (
        '(recipient, sender):\n    lines = [f"Dear {recipient},", "all the best!", sender]\n'
        '    return "\\n".join(lines)\n'
    ),
    "led_colour": "(temperature):\n    return 'red' if temperature > 70 else 'green'\n",
    "is_office_hour": "(hour):\n    return 9 <= hour < 17\n",
    "fuel_needed": ("(distance_km, per_100_km=6.5):\n    return distance_km * per_100_km / 100\n"),
}
"""Complete functions by name, from their parameters on; built of nothing but the builtins."""


def neighbouring_code(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put an unrelated, complete function above the entry point."""
    names = shuffled(rng, _strangers(problem))
    function = entry_function(problem)
    if not names or function is None:
        return None
    start = Positions(problem.prompt + problem.canonical_solution).line_start(function)
    code = f"def {names[0]}{NEIGHBOURS[names[0]]}\n\n"
    return Draft(apply_edits(problem.prompt, [(start, start, code)]), problem.entry_point)


@lru_cache(maxsize=1024)
def _strangers(problem: Problem) -> tuple[str, ...]:
    """Return the neighbours whose names have no word in common with the problem's own names."""
    used = identifiers(problem.prompt + problem.canonical_solution) | identifiers(problem.test)
    words = {word for name in used for word in re.findall(r"[a-z]+", name.lower())}
    return tuple(
        name
        for name in NEIGHBOURS
        if name not in problem.prompt and not words & set(name.split("_"))
    )


OPERATORS = (Operator("neighbouring_code", "combined", neighbouring_code, "CodeCrash", True, 1.0),)
