"""A role's settings as they count in this process.

Between the command line, which names the role and hands on its flags, and `environment`. Invariant: whatever starts
reads its settings here, so that flags beat variables, which beat the settings file, which beats defaults, everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from service.environment import settings_of
from service.settings.roles import BY_NAME, check_names
from service.settings.toml_file import settings_file

S = TypeVar("S")
_NONE: Mapping[str, str] = MappingProxyType({})


def role_settings(role: str, kind: type[S], *, flags: Mapping[str, str] = _NONE, **fixed: Any) -> S:
    """The settings of a role, those `fixed` as they are given; `flags`: what these are called. Raises Unusable."""
    its = BY_NAME[role]
    check_names(os.environ)
    others = [its.prefix + name.upper() for name in its.options]
    return settings_of(
        kind, its.prefix, os.environ, others=others, file=settings_file(os.environ), flags=flags, **fixed
    )
