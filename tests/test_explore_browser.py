"""The panels in JupyterLab, driven by a real browser with the keyboard alone. Needs what `test_browser.py` needs."""
import contextlib, json, os, shutil, socket, subprocess, sys, time, urllib.request
from pathlib import Path
import pytest
from test_browser import CHROMIUM, LAB, QUIET, ROOT, sync_api      # skips this file too where something is missing

SWEEP = '''
import os, sys, time
from deepsweep.data import load_data
from deepsweep.sweep import run_sweep

def nap(labels, logits): time.sleep(float(os.environ.get('NAP', 0))); return 0.

sweep = dict(name='watched', method='grid', parameters=dict(hidden_layers={'value': [16]}, learning_rate={'values': [.02, .05, .1, .2, .4]}, num_epochs={'value': 25}))
run_sweep(sweep, load_data('digits'), metrics=dict(nap=nap), store=sys.argv[1], progress=False)
'''
CELLS = ['from deepsweep.explore import *', "explore('fashion-seeds')", 'luck_meter()', 'noise_or_effect()', 'shape_builder()']

def notebook(cells):
    "A notebook with these cells, as text"
    nb = dict(cells=[dict(cell_type='code', id=f'cell-{i}', metadata={}, source=c, outputs=[], execution_count=None) for i, c in enumerate(cells)], nbformat=4, nbformat_minor=5,
              metadata=dict(kernelspec=dict(display_name='Python 3 (ipykernel)', language='python', name='python3')))
    return json.dumps(nb)

def run_all(page):
    "Run all cells; a dialog that asks for a kernel is answered, and the run asked for again"
    prompt, started = page.locator('.jp-InputPrompt').first, 0.
    deadline = time.monotonic()+90
    while prompt.inner_text().strip() in ('[ ]:', ''):
        assert time.monotonic() < deadline, page.locator('body').inner_text()
        if page.locator('.jp-Dialog').count(): page.locator('.jp-Dialog .jp-mod-accept').click(); started = 0.
        elif time.monotonic()-started > 15:
            page.get_by_role('menuitem', name='Run', exact=True).click(); page.get_by_text('Run All Cells', exact=True).click()
            started = time.monotonic()
        time.sleep(.2)

@contextlib.contextmanager
def opened(folder, home, cells):
    "A page in a browser on a JupyterLab that serves `folder`, a notebook of these cells open in it"
    home.mkdir()
    (folder/'panels.ipynb').write_text(notebook(cells))
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTEST_CURRENT_TEST', 'DEEPSWEEP_STORE', 'DEEPSWEEP_STATIC')}
    env |= dict(HOME=str(home), PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]))
    subprocess.run([str(Path(LAB).with_name('jupyter-labextension')), 'disable', '@jupyterlab/apputils-extension:announcements'], env=env, capture_output=True)
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    server = subprocess.Popen([LAB, '--no-browser', '--ip=127.0.0.1', f'--port={port}', '--allow-root', '--IdentityProvider.token=', '--ServerApp.password=', '--ServerApp.disable_check_xsrf=True',
                               f'--ServerApp.root_dir={folder}'], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api/status'); break
            except OSError: time.sleep(.25)
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
            page = browser.new_page(viewport=dict(width=1300, height=1000))
            page.goto(f'http://127.0.0.1:{port}/lab/tree/panels.ipynb?reset')
            page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status=idle]', timeout=90_000)
            run_all(page)
            yield page
            browser.close()
    finally: server.terminate(); server.wait(20)
    if keep := os.environ.get('KEEP_SCREENSHOTS'): shutil.copytree(folder, keep, dirs_exist_ok=True)     # to look at them

def until(read, test, seconds=60):
    "What `read` gives as soon as it passes `test`"
    deadline = time.monotonic()+seconds
    while not test(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(.05)
    return value

def panel_of(page, i):
    "The panel below a cell, its picture drawn"
    panel = page.locator('.jp-CodeCell').nth(i).locator('.jp-OutputArea-output').first
    sync_api.expect(panel.locator('img')).to_be_visible(timeout=90_000)
    return panel

def words(panel): return panel.get_by_role('status').inner_text()

LABELS = [['variant', 'metric', 'across', 'colour by', 'smoothing', 'hide', 'view'], ['runs compared', 'images to choose on', 'true spread'],
          ['A', 'B', 'seeds', 'draw other seeds', 'smallest difference that counts'], ['image', 'conv layers', 'filters', 'kernel', 'padding', 'pool', 'hidden layers']]

def press(page, label):
    "Move the control that has the focus"
    if label.startswith('draw'): page.keyboard.press('Enter')
    elif label == 'smoothing': page.keyboard.press('Control+a'); page.keyboard.type('0.6'); page.keyboard.press('Enter')
    elif label in ('metric', 'padding'):                                           # open the list, choose, close
        for key in ('Space', *['ArrowDown']*(3 if label == 'padding' else 1), 'Enter'): page.keyboard.press(key)
    else: page.keyboard.press('ArrowUp' if label == 'kernel' else 'ArrowDown')     # kernel 3, padding 2: a net that works

def test_every_control_by_keyboard(tmp_path):
    folder = tmp_path/'course'; folder.mkdir()
    with opened(folder, tmp_path/'home', CELLS) as page:
        for i, labels in enumerate(LABELS, 1):
            panel, told, waits = panel_of(page, i), [], []
            assert panel.locator('img').get_attribute('alt') and panel.locator('figcaption').inner_text()
            until(lambda: panel.locator('select').first.get_attribute('data-lm-suppress-shortcuts'), lambda o: o == 'true')      # JupyterLab leaves the keys alone
            for k, label in enumerate(labels):
                control = panel.get_by_role('button', name=label) if label.startswith('draw') else panel.get_by_label(label, exact=True)
                control.focus() if not k else page.keyboard.press('Tab')            # the next one is one Tab away
                assert control.evaluate('o => o === document.activeElement'), label
                before, start = words(panel), time.monotonic()
                press(page, label)
                told.append(until(lambda: words(panel), lambda o: o != before, 20)); waits.append(time.monotonic()-start)
                assert panel.locator('img').count() == 1 and panel.get_by_role('status').count() == 1
            print(f"key to new words: {', '.join(f'{o:.2f}' for o in waits)} s", *told, sep='\n')
            assert panel.locator('img').evaluate('o => o.naturalWidth') > 600
            panel.scroll_into_view_if_needed(); panel.screenshot(path=folder/f'panel{i}.png')
        page.screenshot(path=folder/'page.png')
        assert 'Traceback' not in page.locator('.jp-Notebook').inner_text()

def test_watch_stop_resume(tmp_path):
    folder = tmp_path/'course'; folder.mkdir()
    (folder/'sweep.py').write_text(SWEEP)
    def train(store, nap): return subprocess.Popen([sys.executable, 'sweep.py', store], cwd=folder, env=dict(os.environ, NAP=str(nap), PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])))
    from deepsweep.runs import RunStore, read_runs
    other = train('runs.db', .3)
    until(lambda: (folder/'runs.db').exists() and 'watched' in RunStore(folder/'runs.db').studies(), bool)
    with opened(folder, tmp_path/'home', [CELLS[0], "w = watch('runs.db')\nw", '6*7']) as page:
        panel = panel_of(page, 1)
        until(lambda: words(panel), lambda o: ' running' in o and 'Best valid accuracy so far' in o)
        sync_api.expect(page.locator('.jp-CodeCell').nth(2)).to_contain_text('42', timeout=20_000)       # the kernel is free
        share = lambda: float(panel.locator('progress').get_attribute('value'))
        first = share(); until(share, lambda o: o > first+.1)                                            # it follows
        until(lambda: panel.inner_text(), lambda o: 'about' in o and 'left' in o)
        panel.get_by_label('metric', exact=True).focus(); page.keyboard.press('ArrowDown')
        until(lambda: words(panel), lambda o: 'Best valid accuracy' not in o)
        panel.scroll_into_view_if_needed(); page.screenshot(path=folder/'watch.png')
        page.keyboard.press('Tab'); assert panel.get_by_role('button', name='stop after this epoch').evaluate('o => o === document.activeElement')
        page.keyboard.press('Enter')
        until(lambda: words(panel), lambda o: 'Stopped. Run the same sweep again to go on.' in o, 30)
        assert other.wait(30) == 0                                                                       # it ended well, and early
        page.screenshot(path=folder/'stopped.png')
        states = set(read_runs(folder/'runs.db', 'watched')[0]['state'])
        assert 'interrupted' in states and 'running' not in states, states
        assert train('runs.db', 0).wait(120) == 0                                                        # the same again
        until(lambda: panel.inner_text(), lambda o: 'every run is over' in o and '5 of 5 runs finished' in o, 30)
        assert not panel.get_by_role('button').count()                                                   # the panel has closed itself
        page.screenshot(path=folder/'over.png')
    assert train('whole.db', 0).wait(120) == 0
    stopped, whole = (read_runs(folder/name, 'watched') for name in ('runs.db', 'whole.db'))
    assert len(whole[1]) == 5*26 and stopped[1].drop(columns='seconds').equals(whole[1].drop(columns='seconds'))
    assert stopped[0].drop(columns=['seconds', 'attempt']).equals(whole[0].drop(columns=['seconds', 'attempt']))
