"""Broken region files, each with the findings that it must give and none else; and clean ones, which must give none."""

from .case import CASES, Case, Expected
from .crossings import *  # noqa: F403
from .files import *  # noqa: F403
from .names import *  # noqa: F403
from .neighbours import *  # noqa: F403
from .rings import *  # noqa: F403
from .world import *  # noqa: F403

__all__ = ["CASES", "Case", "Expected"]
