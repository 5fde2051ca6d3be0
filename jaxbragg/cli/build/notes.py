"""What the set-up of an experiment says on its way: decisions, and warnings."""

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Lines for the log.

    Attributes:
        said: What a flag implies or overrides.
        warnings: What is probably not meant.
    """

    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Note a decision."""
        if line not in self.said:
            self.said.append(line)

    def warn(self, line: str) -> None:
        """Note a warning."""
        if line not in self.warnings:
            self.warnings.append(line)
