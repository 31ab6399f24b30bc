"""What a run measured and what it found wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SHOWN = 10


@dataclass(slots=True)
class Report:
    """Rules, each with what broke it.

    Attributes:
        name, seed: `seed` chose everything that chance chooses in this run.
        measured: what was done and how long it took, for people.
        trail: what happened, in order; shown when something is wrong.
        broken: by rule; a run is good when all of them are empty.
    """

    name: str
    seed: int
    measured: dict[str, object] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)

    def rule(self, name: str, broken_by: Iterable[object]) -> None:
        """Add to what broke the rule `name`; nothing to add says that it was looked at."""
        self.broken.setdefault(name, []).extend(map(str, broken_by))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """An error that ends the run tells its seed, and what was found until then."""
        try:
            yield
        except BaseException as error:
            error.add_note(self.explained())
            raise

    @property
    def good(self) -> bool:
        return not any(self.broken.values())

    def numbers(self) -> list[str]:
        """What was measured, and how often each rule was broken."""
        return [
            f"seed={self.seed}",
            *(f"{name}={value}" for name, value in self.measured.items()),
            *(f"{name}={len(by)}" for name, by in self.broken.items()),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(self.numbers())}"

    def explained(self) -> str:
        """The same with the first examples of whatever broke a rule, and the trail."""
        examples = [f"  {name}: {', '.join(by[:SHOWN])}" for name, by in self.broken.items() if by]
        trail = [f"  trail: {', '.join(self.trail)}"] if self.trail else []
        return "\n".join([str(self), *examples, *trail])
