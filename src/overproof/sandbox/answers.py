"""What a program of another language answers, as the value that a Python test compares.

The reference's result for the same call says which type was meant, never which value: see
`overproof.languages.conform`. Calls that the language cannot express are answered here, from the
reference, and not counted as the program's.

    Answers(language, recording, excluded=(3,)).read(0, call, decoded)
"""

from collections.abc import Collection
from typing import Any

from overproof.languages.conform import conform
from overproof.languages.language import Language
from overproof.sandbox.recording import ProblemError, Recording, unmarshal_result


class Answers:
    """How the answers of one program are read."""

    def __init__(
        self, language: Language, recording: Recording, excluded: Collection[int] = ()
    ) -> None:
        """Keep what says how to read; `excluded` are numbers of calls that are not sent."""
        self.language = language
        self.recording = recording
        self.excluded = frozenset(excluded)
        self.erred = False
        """Whether an answer, of any start of the program, was not the reference's."""

    def expressible(self) -> list[bytes]:
        """Return the foreseen calls that can be sent."""
        calls = self.recording.calls
        return [call for number, call in enumerate(calls) if number not in self.excluded]

    def excludes(self, number: int, call: bytes) -> bool:
        """Return whether a call is one of those that the language cannot express."""
        calls = self.recording.calls
        return number in self.excluded and number < len(calls) and calls[number] == call

    def instead(self, number: int) -> Any:
        """Return a copy of the reference's result, for such a call. Raises: ProblemError."""
        content = self.recording.results[number]
        if not content:
            raise ProblemError(f"call {number} is excluded, and the reference has no result for it")
        return unmarshal_result(content)

    def read(self, number: int, call: bytes, value: Any) -> Any:
        """Return a decoded answer in the type of the reference's result.

        Where that result is not known, or the answer is such that it cannot be converted, it
        stays as it is.
        """
        content = self.recording.result(number, call)
        if not content:
            return value
        expected = unmarshal_result(content)
        try:
            if self.language.read_result is not None:
                value = self.language.read_result(value, expected)
            value = conform(value, expected, self.language.conflates)
            self.erred = self.erred or bool(value != expected)
        except Exception:  # the answer is whatever a program likes
            self.erred = True
        return value
