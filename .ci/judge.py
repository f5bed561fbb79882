"""Judges a conformance run: a dataset is either right or refused with its reason.

    python judge.py conform.json

Refusals (Unimplemented, naming type, filter or layout) are counted and printed; that a refused dataset is listed as
unsupported follows from it. Anything else that failed fails the run.
"""

import json
import re
import sys
from collections import Counter

run = json.load(open(sys.argv[1]))
refused, wrong = Counter(), []
for r in run["results"]:
    if r["outcome"] in ("passed", "unverified"):
        continue
    if "UNIMPLEMENTED" in r["reason"] and r["outcome"] == "failed" and "data instead" not in r["reason"]:
        why = re.search(r"(filter: open filter \d+|virtual dataset|not served|not supported)", r["reason"])
        refused[why[0] if why else r["reason"][:120]] += 1
    elif r["kind"] == "ListFlights-kind" and "is not listed" in r["reason"] and "instead" not in r["reason"]:
        refused["listed as unsupported"] += 1
    else:
        wrong.append(r)
for why, n in refused.most_common():
    print(f"refused: {n:4} {why}")
for r in wrong[:20]:
    print(f"wrong: {r['outcome']} [{r['kind']}] {r['reason'][:300]}\n    {r['ticket'][:300]}")
print(f"{sum(refused.values())} refused, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
