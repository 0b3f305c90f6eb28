"""How many lanes fit into memory."""

from dataclasses import dataclass

_FLOAT_BYTES = 4
# Weights, gradient, up to three slots of an optimizer, the best weights, and two copies that the program makes.
_COPIES_OF_PARAMETERS = 8
# Activations are kept for the way back, and their gradients stand beside them.
_COPIES_OF_ACTIVATIONS = 3


@dataclass(frozen=True)
class LaneCost:
    """What one lane needs, in numbers: parameters, activations of one row, rows in a batch."""

    parameters: int
    activations_per_row: int
    batch_rows: int

    @property
    def bytes(self) -> int:
        """An estimate from above of the memory that one more lane takes."""
        parameters = _COPIES_OF_PARAMETERS * self.parameters
        activations = _COPIES_OF_ACTIVATIONS * self.activations_per_row * self.batch_rows
        return _FLOAT_BYTES * (parameters + activations)


def lane_limit(cost: LaneCost, free_bytes: int) -> int:
    """Return how many lanes fit into half of the free memory, at least 1.

    Example:
        >>> lane_limit(LaneCost(parameters=250_000, activations_per_row=1_000, batch_rows=1_000), 200_000_000)
        5
    """
    return max(1, free_bytes // 2 // cost.bytes)
