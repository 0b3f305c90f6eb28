"""What every fork server imports first: it ends with its driver, and leaves signals to it.

A terminal and a batch system send Ctrl-C and SIGTERM to every process of a group. The driver needs the server once
more then, to finish the best model. Python itself sees to Ctrl-C only after the server has imported everything.

The server may be the whole program's: what it forks for others gets the signals back that any process begins with.
"""

import os
import signal
from multiprocessing.util import register_after_fork

from autokeras_lite.execution.lifeline import end_with_parent

_SERVER = os.getpid()


def _give_signals_back() -> None:
    if os.getppid() == _SERVER:  # What a child forks itself keeps the handlers of that child.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
# At once, for whoever terminates a child that has hardly begun; and once more when the server has put back in the
# child what it found here for SIGINT.
os.register_at_fork(after_in_child=_give_signals_back)
register_after_fork(_give_signals_back, lambda give_back: give_back())
end_with_parent()
