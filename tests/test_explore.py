"What a notebook cannot show of the panels: other versions of ipywidgets, other processes, stored pages"
import ast, json, os, subprocess, sys, threading, time
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_check
MODULES = ['panel', 'classroom', 'isolation', 'curves', 'watch', 'explore', 'search_views']
OLD = os.environ.get('IPYWIDGETS7')      # a folder: pip install --no-deps --target FOLDER ipywidgets==7.7.1 'widgetsnbextension<4' 'jupyterlab_widgets<2' ipython_genutils

# Everything the panels use of ipywidgets: each class exists in 7.7.1 (Colab) and in 8, with these arguments
USED = dict(HTML=set(), VBox=set(), HBox={'layout'}, Layout={'width', 'flex_flow'}, Button={'description', 'layout'}, Checkbox={'value', 'description', 'indent', 'layout'},
            Dropdown={'options', 'value', 'description', 'style', 'layout'}, BoundedFloatText={'value', 'min', 'max', 'step', 'description', 'style', 'layout'})

def test_only_old_widgets():
    "No class or argument beyond the list above, and all of them are there"
    import ipywidgets
    for module in MODULES:
        for node in ast.walk(ast.parse((ROOT/f'deepsweep/{module}.py').read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == 'widgets': assert node.attr in USED, f'{module}: {node.attr}'
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and getattr(node.func.value, 'id', '') == 'widgets':
                assert {o.arg for o in node.keywords} <= USED[node.func.attr], f'{module}: {node.func.attr}'
        text = (ROOT/f'deepsweep/{module}.py').read_text()
        assert not [o for o in ('interact(', 'Output(', 'Slider', 'ipympl') if o in text]
    for name, traits in USED.items(): assert traits <= set(getattr(ipywidgets, name).class_trait_names()), name

PANELS = '''
import sys, tempfile, ipywidgets
from pathlib import Path
from deepsweep.core import log
from deepsweep.analysis import example_tables
from deepsweep.explore import *
from deepsweep.panel import try_controls
from deepsweep.sweep import run_sweep
assert ipywidgets.__version__.startswith(sys.argv[1]), ipywidgets.__version__
for panel in (explore(example_tables()), luck_meter(), noise_or_effect(), shape_builder()):
    tried = try_controls(panel)
    assert tried['words'].str.contains('role="status"').all() and not tried['words'].str.contains('Traceback').any()
    print(ipywidgets.__version__, len(tried), 'pictures', f"median {tried['seconds'].median():.2f} s")
store = Path(tempfile.mkdtemp())/'runs.db'
run_sweep([dict(x=1), dict(x=2)], function=lambda c: log({'valid accuracy': c['x']/4}, step=1), store=store)
w = watch(store, every=.1); w.start(); w.thread.join(30)
assert not w.thread.is_alive() and '2 of 2 runs finished. Best valid accuracy so far: 0.5 (x 2)' in w.words.value, w.words.value
w.stop_button.click(); assert 'Asked to stop' in w.words.value
'''

def headless(path, version):
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([*path, str(ROOT), os.environ.get('PYTHONPATH', '')]))
    run = subprocess.run([sys.executable, '-c', PANELS, version], capture_output=True, text=True, env=env)
    print(run.stdout)
    assert run.returncode == 0, run.stderr[-3000:]

def test_headless_8(): headless([], '8.')

@pytest.mark.skipif(not OLD, reason='IPYWIDGETS7 names no folder with ipywidgets 7.7.1')
def test_headless_7(): headless([OLD], '7.7.1')

def shown(code, env):
    "Output of the last expression of `code` in a kernel"
    import nbformat
    from nbclient import NotebookClient
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = NotebookClient(nb, timeout=120)
    with client.setup_kernel(env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]), **env}): client.execute_cell(nb.cells[0], 0)
    return nb.cells[0].outputs[-1]['data']

VIEW = 'application/vnd.jupyter.widget-view+json'

@pytest.mark.parametrize('old', [False, True])
def test_live_and_static(old):
    "In a kernel a panel is live, with its picture beside it; with DEEPSWEEP_STATIC=1 only the picture is left"
    if old and not OLD: pytest.skip('IPYWIDGETS7 names no folder with ipywidgets 7.7.1')
    env = dict(PYTHONPATH=os.pathsep.join([OLD, str(ROOT), os.environ.get('PYTHONPATH', '')])) if old else {}
    live, still = (shown('from deepsweep.explore import luck_meter\nluck_meter()', env | o) for o in (dict(DEEPSWEEP_STATIC=''), dict(DEEPSWEEP_STATIC='1')))
    assert VIEW in live and live[VIEW]['model_id'] and VIEW not in still
    for data in (live, still): assert '<img alt="A histogram' in data['text/html'] and 'role="status"' in data['text/html'] and '<figcaption>' in data['text/html']

def test_no_stored_widget():
    "No notebook of ours holds a view that only a kernel could fill, nor the state of one"
    for o in docs_check.notebooks(ROOT):
        nb = json.loads((ROOT/o).read_text(encoding='utf-8'))
        assert 'widgets' not in nb['metadata'] and not [c['id'] for c in nb['cells'] for out in c.get('outputs', []) if VIEW in (out.get('data') or {})], o

def test_import_starts_nothing():
    code = 'import threading, deepsweep.explore; assert threading.active_count() == 1, threading.enumerate()'
    assert subprocess.run([sys.executable, '-c', code], env=dict(os.environ, PYTHONPATH=str(ROOT))).returncode == 0

def test_stop_and_resume(tmp_path):
    "A stop asked for through the store ends real runs after their epoch; the same sweep again gives the table of an uninterrupted one"
    from deepsweep.data import load_data
    from deepsweep.runs import RunStore, read_runs
    from deepsweep.sweep import run_sweep
    data  = load_data('digits')
    sweep = dict(name='stopped', method='grid', parameters=dict(hidden_layers={'value': [8]}, learning_rate={'values': [.02, .1, .2]}, num_epochs={'value': 6}))
    store = RunStore(tmp_path/'runs.db')
    asked, calls = threading.Event(), []
    def nap(labels, logits):
        "In the second epoch, waits until the stop was asked for"
        calls.append(1)
        if len(calls) == 6: asked.wait(60); time.sleep(.3)
        return 0.
    nap.version = 1
    store.ask_stop(sweep)                                                        # an old wish stops nothing that starts later
    def ask():
        while not len(calls) == 6: time.sleep(.01)
        store.ask_stop('stopped'); asked.set()
    asking = threading.Thread(target=ask); asking.start()
    first  = run_sweep(sweep, data, store=store, metrics=dict(nap=nap)).config_table()
    asking.join()
    stopped = first[first['state'] == 'interrupted']
    assert len(stopped) and set(stopped['stop reason']) == {'a stop was asked for'} and set(first['state']) <= {'finished', 'interrupted'}
    assert len(store.history_table()) < 3*7
    whole, again = (run_sweep(sweep, data, store=o, metrics=dict(nap=nap)) for o in (tmp_path/'whole.db', store))
    same = [o.drop(columns=['seconds', 'attempt'], errors='ignore') for o in (*read_runs(tmp_path/'whole.db', 'stopped'), *read_runs(store, 'stopped'))]
    assert set(same[0]['state']) == {'finished'} and same[0].equals(same[2]) and same[1].equals(same[3]) and len(same[1]) == 21
