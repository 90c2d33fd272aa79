"""Figures measured before this code was written, and those it is to reach: what the table stands beside.

The prototypes P1 and P2 and raw switching, on the recordings that the bench reads (the seeds of their regions
made other cells than ours) and on recordings of other days and routes, which nothing here was tuned on.
"""

Row = dict[str, float]


def _row(*values: float) -> Row:
    names = ("flaps", "miss", "clear_miss", "delay_s", "delay_p90_s")
    return {name: value for name, value in zip(names, values, strict=True) if value >= 0}


# By suite and width of the regions; -1: not published.
RECORDINGS: dict[tuple[str, float], dict[str, Row]] = {
    ("recordings", 3000.0): {
        "raw (published)": _row(0.072, -1, -1, -1, -1),
        "P1 (published)": _row(0.0054, 0.059, -1, 25, 82),
        "P2 4.5/6 (published)": _row(0.0054, 0.056, -1, 22, 74),
    },
    ("recordings", 1000.0): {
        "raw (published)": _row(0.285, -1, -1, -1, -1),
        "P1 (published)": _row(0.0067, 0.027, -1, 28, 89),
        "P2 4.5/6 (published)": _row(0.0013, 0.027, -1, 25, 76),
    },
}

HELD_BACK: dict[str, dict[str, Row]] = {
    "other recordings, 3 km": {
        "raw": _row(0.438, 0.067, 0.003, 7, 57),
        "P1": _row(0.0060, 0.182, 0.004, 43, 142),
        "P2 4.5/6": _row(0.0030, 0.153, 0.003, 28, 136),
        "P2 6/8": _row(0.0024, 0.155, 0.003, 37, 157),
        "P2 strict": _row(0.0012, 0.172, 0.004, 52, 179),
        "goal": _row(0.002, 0.14, 0.003, 28, 130),
    },
    "other recordings, 1 km": {
        "raw": _row(1.113, 0.116, 0.003, 6, 51),
        "P1": _row(0.0275, 0.224, 0.028, 46, 136),
        "P2 4.5/6": _row(0.0176, 0.210, 0.029, 33, 132),
        "P2 6/8": _row(0.0176, 0.212, 0.032, 42, 143),
        "P2 strict": _row(0.0121, 0.240, 0.046, 56, 154),
        "goal": _row(0.010, 0.19, 0.02, 28, 130),
    },
    "other recordings, 3 km, one in 120 s": {
        "raw": _row(0.100, 0.097, -1, 71, 142),
        "P1": _row(0.0, 0.374, -1, 172, 262),
        "P2 4.5/6": _row(0.0006, 0.208, -1, 103, 243),
        "goal": _row(-1, 0.18, -1, -1, -1),
    },
    "other recordings, 1 km, cars once a second": {
        "raw": _row(0.105, -1, -1, 0, -1),
        "P1": _row(0.0, 0.065, -1, 11, 86),
        "P2 4.5/6": _row(0.0, 0.057, -1, 25, 94),
        "goal": _row(-1, -1, -1, 12, -1),
    },
    "mixture, 3 km, older tolerance": {
        "three in a row": _row(0.131, -1, -1, -1, -1),
        "AccuracyBased": _row(0.138, -1, -1, -1, -1),
        "buffer of 2 radii": _row(0.099, -1, -1, -1, -1),
        "dwell 120 s": _row(0.027, 0.177, -1, -1, -1),
        "HMM": _row(0.078, -1, -1, -1, -1),
        "Kalman": _row(0.076, -1, -1, -1, -1),
    },
}
