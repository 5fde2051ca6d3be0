"""What the set-up of an experiment says on its way: decisions, advice, and doubts about the result."""

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Lines for the log.

    Attributes:
        said: What a flag implies or overrides.
        warnings: What is probably not meant, doubts included.
        doubts: Those of the warnings that say that the result may be wrong: --quiet leaves them.
    """

    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Note a decision."""
        if line not in self.said:
            self.said.append(line)

    def warn(self, line: str) -> None:
        """Note what is probably not meant, though the result is what the flags ask for."""
        if line not in self.warnings:
            self.warnings.append(line)

    def doubt(self, line: str) -> None:
        """Note that the result may be wrong."""
        self.warn(line)
        if line not in self.doubts:
            self.doubts.append(line)
