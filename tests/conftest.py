"""What all tests share: no window, a kernel cache that lasts, hypothesis repeatable where it must be."""

import os
import signal
import tempfile
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("SNEURON_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"sneuron-test-kernels-{os.getuid()}"))

from hypothesis import HealthCheck, settings

# A run started in the background inherits an ignored Ctrl-C, and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
