"""The events that a rule emits, one record each, in order of device and confirmation."""

import numpy as np
from numpy.typing import NDArray

FIRST_FIX, MOVED = 0, 1

EVENT = np.dtype(
    [
        ("device", np.int64),
        ("from_region", np.int64),
        ("to_region", np.int64),
        ("occurred_ms", np.int64),
        ("confirmed_ms", np.int64),
        ("cause", np.int64),
        ("confidence", np.float64),  # NaN from a rule that states none
    ]
)

Events = NDArray[np.void]
