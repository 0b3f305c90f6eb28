"""Ties the life of a process to that of its parent: a driver that is killed leaves nothing running."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.process import BaseProcess

_PR_SET_PDEATHSIG = 1


def end_with_driver() -> None:
    """End this process, a child, as soon as its driver or the fork server has ended, whatever it is doing then.

    The kernel is asked for it. A thread waits for the end of the driver as well: where the kernel knows no such
    request, and where the driver was gone before it was asked.
    """
    end_with_parent()
    driver = multiprocessing.parent_process()
    if driver is not None:
        if not driver.is_alive():
            os._exit(1)
        threading.Thread(target=_follow, args=(driver,), name="follow the driver", daemon=True).start()


def end_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends; does nothing on systems other than Linux.

    Parent means the thread that started this process: a fork server that was started by a thread ends with that
    thread, and its children end with it. The next child starts another server.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _follow(driver: BaseProcess) -> None:
    driver.join()
    os._exit(1)
