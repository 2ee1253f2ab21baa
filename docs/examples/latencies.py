"""Measures an operation and records its latencies for benchgate.

It needs nothing but Python. The gate names the file in BENCHGATE_RECORD; without it, the
script prints the line.
"""

import collections
import json
import os
import sys
import time

OPERATIONS = 2_000  # A 99th percentile needs 1,000 that succeed.


def operation(number):
    """What is measured: parses a document, of which every fiftieth is damaged."""
    text = json.dumps({"lead": number, "features": list(range(64))})
    json.loads(text[:-1] if number % 50 == 0 else text)


latencies = collections.Counter()
failed = collections.Counter()
for number in range(OPERATIONS):
    start = time.perf_counter_ns()
    try:
        operation(number)
    except ValueError:
        # A failure is an outcome of its own. Its latency would make the others look better.
        failed["ValueError"] += 1
    else:
        latencies[time.perf_counter_ns() - start] += 1

line = json.dumps(
    {
        "latencies": {
            "id": "python/parse",
            "metric": "latency",
            "unit": "ns",
            "counts": sorted(latencies.items()),
            "failed": failed,
        }
    }
)
record = os.environ.get("BENCHGATE_RECORD")
with open(record, "a") if record else sys.stdout as file:
    file.write(line + "\n")
