"The page for teachers: its crash demo works as printed, its plans name pages that exist, its own check says what it should"
import os
import re
import subprocess
import sys
from pathlib import Path
import pytest
from pages import ROOT, run_page

sys.path.insert(0, str(ROOT/'tools'))
import docs_check

TEXT = '\n'.join(docs_check.source(c) for c in docs_check.read_nb(ROOT/'nbs/teachers.ipynb'))

def test_crash_demo_as_printed(tmp_path):
    "The shell lines of the page, in a folder of their own"
    block = next(o for o in re.findall(r'```bash\n(.*?)```', TEXT, re.S) if 'kill -9' in o)
    binaries = tmp_path/'bin'
    binaries.mkdir()
    (binaries/'deepsweep').write_text(f'#!/bin/sh\nexec "{sys.executable}" -m deepsweep.cli "$@"\n')
    (binaries/'deepsweep').chmod(0o755)
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTEST_CURRENT_TEST', 'DEEPSWEEP_STORE')}
    env |= dict(PATH=f"{binaries}{os.pathsep}{os.environ['PATH']}", PYTHONPATH=str(ROOT))
    ran = subprocess.run(['bash', '-c', block], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = re.search(r'(\d+) of 16 runs already finished', ran.stdout)
    assert found and 0 < int(found[1]) < 16, ran.stdout[-2000:]
    assert re.search(r'16 finished', ran.stdout), ran.stdout[-2000:]

@pytest.fixture(scope='module')
def page():
    "The page, run once"
    return run_page('teachers')

def test_kill_in_miniature(page):
    final = page['states']()
    killed, stored = page['killed'], page['stored']
    assert set(final['state']) == {'finished'} and 'running' in set(killed)
    assert final['attempt'].tolist() == [2 if killed.get(o) == 'running' else 1 for o in final['run']]
    whole = page['RunStore'](page['folder']/'demo.db').history_table()
    both = stored.merge(whole, on=['run', 'epoch'])
    assert len(both) == len(stored) and both['valid loss_x'].equals(both['valid loss_y'])

def test_kill_in_miniature_says_why_nothing_trains(tmp_path):
    "A command that fails at once is told, not waited for"
    cell = next(docs_check.source(c) for c in docs_check.read_nb(ROOT/'nbs/teachers.ipynb') if c['id'] == 'kill')
    broken = cell.replace("'--device', 'cpu'", "'--device', 'gpu'")
    head = 'import json, subprocess, sys, time\nimport pandas as pd\nfrom pathlib import Path\nfolder = Path(sys.argv[1])\n'
    ran = subprocess.run([sys.executable, '-c', head + broken, tmp_path], env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True,
                         text=True, timeout=60)
    assert broken != cell and ran.returncode == 1
    assert 'RuntimeError: the sweep ended before anybody killed it' in ran.stderr and "'gpu'" in ran.stderr

def test_minutes(page):
    rows, one = page['rows'], page['one']
    assert rows['quick']['runs'] == 16 and rows['00_first_sweep']['runs'] == 10
    assert 0 < rows['00_first_sweep']['minutes'] <= rows['quick']['minutes']
    assert len(one) == 10 and one.size().sum() == 158

def test_check_of_ones_own(page):
    attempt = page['attempt']
    assert attempt(.1, .3).startswith('right') and 'does not pass' in attempt(.0001)
    assert 'budget is 4' in attempt(.1, .2, .3, .4, .5)

def test_every_page_has_its_block():
    pages = sorted(Path(ROOT/'nbs/studies').glob('[0-9]*.ipynb'))
    titles = [docs_check.source(docs_check.read_nb(o)[0]).split('\n')[0] for o in pages]
    weeks = re.findall(r'\]\(studies/(\w+)\.ipynb\)', TEXT)
    named = {o.stem for o in pages} - {'41_wandb'}
    assert named <= set(weeks), named - set(weeks)
    assert TEXT.count('*Beliefs to expect:*') == TEXT.count('*What to cut:*') == TEXT.count('*For the board:*') == len(titles)
