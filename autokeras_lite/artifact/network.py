"""A trained network as a part of a model file."""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Network:
    """A functional model from a dict of encoded arrays to logits, or to standardised values for a regression.

    Its output is `(rows, units)`, or `(rows, members, units)` if it is several in one, over whose predictions is
    averaged. Standardised values become `value * target_scale + target_center`, and the center is added to the log odds
    of probabilities (`tasks/values.py: as_values`). In the mean over several networks this one counts with its `share`.
    """

    model: keras.Model
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]
    share: float = 1.0
