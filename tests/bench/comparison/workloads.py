"""What is asked for: four jobs over two nights."""

from dataclasses import dataclass, field

NIGHT = "2026-03-22"
PARTITIONS = 10


@dataclass(frozen=True)
class Workload:
    """A job."""

    name: str
    """Short, such as `E1`."""
    night: str
    """`L`, without cutouts, or `C`, with them."""
    content: str
    """In nightferry's words."""
    condition: str = ""
    """Means the same in nightferry, DuckDB and Spark."""
    classes: list[str] = field(default_factory=list)
    """Values of finkclass; none means all."""
    sampled: int = 2000
    """About how many alerts are compared value by value."""
    raced: bool = True
    """Whether peers do it as well."""

    @property
    def compression(self) -> str:
        """As nightferry compresses such messages."""
        return "none" if self.content in ("Full packet", "Cutouts") else "lz4"

    @property
    def what(self) -> str:
        """In words."""
        chosen = [f"`{self.condition}`"] if self.condition else []
        chosen += [", ".join(f"`{name}`" for name in self.classes)] if self.classes else []
        return f"night {self.night}, {' and '.join(chosen) or 'all alerts'}, {self.content}"

    @property
    def request(self) -> dict:
        """The document that nightferry takes."""
        return {
            "nights": [NIGHT],
            "content": self.content,
            "classes": self.classes,
            "conditions": [self.condition] if self.condition else [],
        }


WORKLOADS = [
    Workload("E1", "L", "Light packet", "candidate.magpsf > 20.3", sampled=5000),
    Workload("E2", "C", "Full packet", "candidate.magpsf > 19", ["Early SN Ia candidate", "Supernova"]),
    Workload("E3", "L", "Light packet", sampled=5000),
    Workload("E4", "C", "Full packet"),
    # The worker alone: how its memory follows from the content.
    Workload("medium", "L", "Medium packet", raced=False),
    Workload("cutouts", "C", "Cutouts", raced=False),
]
