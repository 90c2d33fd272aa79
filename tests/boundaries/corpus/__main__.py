"""`python -m tests.boundaries.corpus`: the table of the corpus, for the docs."""

from . import CASES

print("| file | what is wrong | findings |\n|---|---|---|")
for one in CASES:
    print(f"| `{one.name}` | {one.wrong} | {'; '.join(map(str, one.expected)) or 'none'} |")
