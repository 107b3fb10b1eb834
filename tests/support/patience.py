"""How long a test waits, and what a promised time is worth on a machine that is busy with other things.

A deadline of waiting costs nothing while all is well: it is long. A promised time is measured: it is kept by a machine
that has the time, and stretched by as much as this one has too little.
"""

import os

LONG_S = 60.0  # until something must have come about, whatever the machine is busy with


def patience_s(most_s: float) -> float:
    """`most_s`, on a machine that has the time; on one with more than 1.5 to run a core, as much longer."""
    return most_s * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) / 1.5)
