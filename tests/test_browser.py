"""The first notebook in JupyterLab, driven by a real browser. Needs Chromium, playwright and jupyterlab:

    apt-get install chromium && pip install '.[lab]' playwright && pytest tests/test_browser.py
"""
import os, shutil, socket, subprocess, sys, time, urllib.request
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
LAB = shutil.which('jupyter-lab', path=str(Path(sys.executable).parent))       # one of another environment has another kernel
if not CHROMIUM: pytest.skip('no Chromium here: apt-get install chromium', allow_module_level=True)
if not LAB:      pytest.skip('no JupyterLab here: pip install jupyterlab', allow_module_level=True)
sync_api = pytest.importorskip('playwright.sync_api', reason='no playwright here: pip install playwright')

QUIET = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()

@pytest.fixture
def lab(tmp_path):
    "Address of a JupyterLab that serves a folder with the first notebook"
    folder, home = tmp_path/'course', tmp_path/'home'
    folder.mkdir(); home.mkdir()
    shutil.copy(ROOT/'nbs/studies/00_first_sweep.ipynb', folder)
    env = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTEST_CURRENT_TEST', 'DEEPSWEEP_STORE')} | dict(HOME=str(home))
    subprocess.run([str(Path(LAB).with_name('jupyter')), 'labextension', 'disable', '@jupyterlab/apputils-extension:announcements'], env=env, capture_output=True)
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    server = subprocess.Popen([LAB, '--no-browser', '--ip=127.0.0.1', f'--port={port}', '--allow-root', '--IdentityProvider.token=', '--ServerApp.password=', '--ServerApp.disable_check_xsrf=True',
                               f'--ServerApp.root_dir={folder}'], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(240):
        try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api/status'); break
        except OSError: time.sleep(.25)
    yield f'http://127.0.0.1:{port}', folder
    server.terminate(); server.wait(20)

def test_first_notebook_in_the_browser(lab):
    url, folder = lab
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        page = browser.new_page(viewport=dict(width=1200, height=1000))
        page.goto(f'{url}/lab/tree/00_first_sweep.ipynb?reset')
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status=idle]', timeout=90_000)
        page.wait_for_timeout(3000)                                                        # at times it asks for the kernel
        if page.locator('.jp-Dialog .jp-mod-accept').count(): page.locator('.jp-Dialog .jp-mod-accept').click()
        page.get_by_role('menuitem', name='Edit', exact=True).click()
        page.get_by_text('Clear Outputs of All Cells', exact=True).click()
        page.get_by_role('menuitem', name='Run', exact=True).click()
        page.get_by_text('Run All Cells', exact=True).click()
        outputs = page.locator('.jp-OutputArea-output')
        seen, deadline = set(), time.monotonic()+300
        indicator = page.locator('.jp-Notebook-ExecutionIndicator')
        was_busy, since = False, time.monotonic()
        while not (was_busy and time.monotonic() - since > 3):                            # between two cells it is idle for a moment
            if indicator.get_attribute('data-status') != 'idle': was_busy, since = True, time.monotonic()
            assert time.monotonic() < deadline, outputs.all_inner_texts()
            seen |= set(page.evaluate("() => [...document.querySelectorAll('.widget-hbox')].map(o => o.textContent)"))
            time.sleep(.05)
        assert not outputs.filter(has_text='Traceback').count(), outputs.all_inner_texts()
        assert len([o for o in seen if 'epoch' in o and 'best so far' in o]) > 5           # the bar moved
        figures = page.locator('.jp-OutputArea-output img')
        assert figures.count() >= 2 and all(o.evaluate('o => o.naturalWidth') > 300 for o in figures.all())
        for i, o in enumerate(figures.all()): o.scroll_into_view_if_needed(); o.screenshot(path=folder/f'figure{i}.png')
        assert 'Which net?' in outputs.filter(has_text='What came out').inner_text()
        outputs.filter(has_text='What came out').scroll_into_view_if_needed(); page.screenshot(path=folder/'page.png')
        browser.close()
    if keep := os.environ.get('KEEP_SCREENSHOTS'): shutil.copytree(folder, keep, dirs_exist_ok=True)     # to look at them
