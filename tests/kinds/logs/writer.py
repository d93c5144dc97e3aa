"""A program that logs numbered lines until SIGTERM; usage: writer.py LOG (append|offset) (HUP|USR1|-)."""

from __future__ import annotations

import os
import signal
import sys
import time

path, how, reopens_on = sys.argv[1:4]
state = {"stop": False, "reopen": False}


def opened() -> int:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if how == "append" else 0), 0o640)
    if how == "offset":
        os.lseek(fd, 0, os.SEEK_END)
    return fd


signal.signal(signal.SIGTERM, lambda *_: state.update(stop=True))
if reopens_on != "-":
    signal.signal(signal.Signals[f"SIG{reopens_on}"], lambda *_: state.update(reopen=True))
fd, number = opened(), 0
print("ready", flush=True)
while not state["stop"]:
    if state["reopen"]:
        state["reopen"] = False
        os.close(fd)
        fd = opened()
    os.write(fd, b"%010d a line of about one hundred bytes, as an application writes them about what it does all day\n" % number)
    number += 1
    if number % 20 == 0:
        time.sleep(0.0005)
print(number, flush=True)
