"""What came of many attempts, counted by part of the campaign."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FAULTS", "Tally"]

#: What must never happen: a wrong result or one that is gone, a traceback, a process that does not end.
FAULTS = ("wrong", "lost", "traceback", "hang")


@dataclass
class Tally:
    """The attempts of one part.

    Attributes:
        what: the part.
        attempts: how many there were.
        good: how many ended as they should.
        counts: by name of the fault.
        examples: what happened, for the first of each.
        notes: figures that are no faults, by name.
    """

    what: str
    attempts: int = 0
    good: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAULTS, 0))
    examples: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def add(self, fault: str | None = None, example: str = "") -> None:
        """Count an attempt."""
        self.attempts += 1
        if fault is None:
            self.good += 1
            return
        self.counts[fault] += 1
        if len(self.examples) < 20:
            self.examples.append(f"{fault}: {example}")
            print(f"{self.what}: {self.examples[-1]}", flush=True)  # at once: the whole campaign takes hours

    def note(self, name: str) -> None:
        """Count something that is no fault."""
        self.notes[name] = self.notes.get(name, 0) + 1

    @property
    def clean(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(self.counts.values())
