"""Documents of the boundary admins' endpoints: what each takes, answers and asks for, as data."""

from __future__ import annotations

from boundaries.api.documents.fields import FIELDS
from boundaries.api.documents.layers import LAYERS
from boundaries.api.documents.looking import LOOKING
from boundaries.api.documents.publishing import JOBS, PUBLISHING
from boundaries.api.documents.versions import VERSIONS
from web.endpoints import Described

DESCRIBED = Described((*LAYERS, *VERSIONS, *LOOKING, *JOBS, *PUBLISHING), FIELDS)
