"""Real workers against the real OpenStack that ops/openstack/up has brought up (see ops/openstack/test)."""
import fnmatch
import os
import shutil
import signal
import sys
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [FOLDER, os.path.dirname(FOLDER)]
from cloud.place import Broken as CloudBroken
from cloud.services import SERVICES
from lab.processes import Broken
from lab.terminal import say, styled
from suite.cases import CASES
from suite.judge import Judge
from suite.site import Site


def tidy(site):
    """Destroys every node that has something, and discards what is buried; the next case begins with nothing."""
    site.plan_faults()
    site.set_quota()
    # After a case that was given up, too.
    site.end(*site.jobs)
    site.rest()
    wrong = site.judge.verdict()
    site.end(*(site.destroy(node) for node in site.judge.built))
    site.rest()
    buried = [str(number) for number, stats in site.judge.stats.items() if stats and stats["state"] == "buried"]
    if buried:
        status, text = site.run("failed", "discard", *buried, "--leave-behind", "--yes")
        if status != 0:
            wrong.append(f"failed discard {buried}: {text}")
    wrong += [f"after the destroys, {text}" for text in site.judge.verdict()]
    site.jobs.clear()
    return wrong


def run_case(site, name):
    """(what is wrong, a remark)"""
    try:
        remark = CASES[name](site)
        wrong = []
    except (AssertionError, Broken, CloudBroken) as problem:
        remark, wrong = None, [str(problem)]
    try:
        return wrong + tidy(site), remark
    except (Broken, CloudBroken) as problem:
        raise Broken("; ".join([*wrong, str(problem)])) from problem


def interrupted(number, frame):
    raise KeyboardInterrupt


def main(cirrata, patterns):
    signal.signal(signal.SIGTERM, interrupted)
    names = [name for name in CASES if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not names:
        sys.exit(f"no case is called {' or '.join(patterns)}; there are {' '.join(CASES)}")
    folder = tempfile.mkdtemp(prefix="cirrata-openstack-test-")
    began, failed, site = time.monotonic(), [], None
    try:
        site = Site(cirrata, folder)
        site.judge = Judge(site)
        site.plan_faults()
        site.set_quota()
        site.clear()
        site.add_foreign()
        site.judge.note_foreign()
        for worker in ("w1", "w2"):
            site.start_worker(worker)
        say(f"the lab is ready after {time.monotonic() - began:.0f} s; what happens is in {folder}")
        for name in names:
            start = time.monotonic()
            wrong, remark = run_case(site, name)
            mark = styled("FAIL", "red") if wrong else styled("PASS", "green")
            say(f"   {mark}  {time.monotonic() - start:6.1f} s  {name}{f': {remark}' if remark else ''}")
            for text in wrong:
                say(f"          {text}")
            failed += [name] if wrong else []
    except (Broken, CloudBroken) as problem:
        say(f"   {styled('FAIL', 'red')}  {problem}")
        failed.append("the rest")
    finally:
        if site is not None:
            site.close()
        # Whatever a case has stopped.
        for service in SERVICES.values():
            service.process.signal(signal.SIGCONT)
    say(f"{len(names)} cases in {time.monotonic() - began:.0f} s, failed: {', '.join(failed) or 'none'}")
    if failed:
        say(f"the logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
