"""Rows of packed state: a class of annotated fields says what a row holds, its dtype is made from it.

So a kernel's argument has a type that mypy checks and a layout that numpy stores, both from one statement. All fields
take 8 bytes: arithmetic with narrower ones would differ between Python and compiled code.
"""

import numpy as np


def dtype_of(row: type) -> np.dtype[np.void]:
    """The dtype with a field for each annotation of the class, in order."""
    formats = {int: "i8", float: "f8"}
    return np.dtype([(name, formats[kind]) for name, kind in row.__annotations__.items()])
