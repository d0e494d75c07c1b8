#!/usr/bin/env python3
"""Counts what .ci/run ran: prints "passed failed" from the output of nbdev_test and the XML reports of pytest.

    python tools/ci_count.py nbdev_test.log... junit.xml...

A notebook counts once, as failed if any of the logs says so. A log without a verdict (the command died, or never ran)
fails all of its notebooks; a missing report counts as one failed test."""
import re, sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
HEADER = 'nbdev Tests Failed On The Following Notebooks:'

def tested(root=ROOT):
    "Names of the notebooks that nbdev_test takes: no part of the path starts with `_` or `.`, no `.notest` beside them"
    found = sorted((root/'nbs').rglob('*.ipynb'))
    return [o.name for o in found if not any(p[0] in '_.' for p in o.relative_to(root).parts) and not (o.parent/'.notest').exists()]

def failed_notebooks(log, names):
    "Those of `names` that a log of nbdev_test calls failed"
    if HEADER in log: return set(re.findall(r'^\t(\S+\.ipynb)\s*$', log.split(HEADER, 1)[1], re.M))
    return set() if re.search(r'^Success\.', log, re.M) else set(names)

def test_counts(path):
    "`(passed, failed)` of one pytest report; skipped tests are neither"
    if not path.exists(): return 0, 1
    suites = ElementTree.parse(path).getroot().iter('testsuite')
    all_, bad, skipped = map(sum, zip(*[(int(s.get('tests')), int(s.get('failures')) + int(s.get('errors')), int(s.get('skipped'))) for s in suites]))
    return all_ - bad - skipped, bad

def count(paths, names):
    "`(passed, failed)` over all logs and reports"
    failed = set().union(*(failed_notebooks(o.read_text(errors='replace') if o.exists() else '', names) for o in paths if o.suffix != '.xml'))
    tests = [test_counts(o) for o in paths if o.suffix == '.xml']
    return len(names) - len(failed) + sum(p for p, _ in tests), len(failed) + sum(f for _, f in tests)

if __name__ == '__main__': print(*count([Path(o) for o in sys.argv[1:]], tested()))
