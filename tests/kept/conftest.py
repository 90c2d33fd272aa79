"""What `make.py` and the tests share lies in this folder; a real PostgreSQL lies beside the catalog's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "catalog"))
