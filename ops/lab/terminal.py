"""What the scripts print."""
import os
import sys
import threading
import time

STYLES = {"green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1"}
COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ
START = time.monotonic()
printing = threading.Lock()


def styled(text, style):
    return f"\033[{STYLES[style]}m{text}\033[0m" if COLOURED else text


def say(text=""):
    with printing:
        print(text, flush=True)


def headline(text):
    say()
    say(styled(f"== {text}", "bold"))


def seconds_since_start():
    return time.monotonic() - START


class Checks:
    def __init__(self):
        self.failed = 0

    def __call__(self, text, holds, found=""):
        if holds:
            say(f"   {styled('PASS', 'green')}  {text}")
        else:
            self.failed += 1
            detail = f": {found}" if found != "" else ""
            say(f"   {styled('FAIL', 'red')}  {text}{detail}")
