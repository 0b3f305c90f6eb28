"""What the fork server imports before any trial: everything a trial needs, and nothing of it started."""

from autokeras_lite.execution import quiet  # noqa: F401, I001 - must come first: TensorFlow reads it while it loads
from autokeras_lite.execution import isolated  # noqa: F401 - imported for its effect: children find it loaded
