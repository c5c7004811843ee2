"""Gives the Python process that finds this folder on its path a clock that is wrong by `CLOCK_WRONG_BY_S`."""

import datetime
import os
import time
from typing import Any

WRONG_BY_S = float(os.environ["CLOCK_WRONG_BY_S"])
TIME, DATETIME = time.time, datetime.datetime


class IsADatetime(type):
    """Every date is one of the wrong clock's, too."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, DATETIME)


def now(cls: Any, tz: Any = None) -> Any:
    """What the wrong clock says."""
    return DATETIME.now(tz) + datetime.timedelta(seconds=WRONG_BY_S)


time.time = lambda: TIME() + WRONG_BY_S
setattr(datetime, "datetime", IsADatetime("datetime", (DATETIME,), {"now": classmethod(now)}))  # noqa: B010
