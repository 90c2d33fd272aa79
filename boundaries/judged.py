"""What is agreed between `judging`, which runs apart, and whoever has it run.

Without the libraries that read files, so that whoever waits for a check need not load them.
"""

from __future__ import annotations

REPORT, REGIONS = "report.json", "regions.fgb"  # what is left in the folder
ALL = "all"  # among the codes to mend: every one that can be
