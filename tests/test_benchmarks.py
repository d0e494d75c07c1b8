"The benchmark scripts on tiny work: the lines they end with, their exit codes, and that all ways do the same work"
import os, re, signal, sqlite3, subprocess, sys, textwrap
from pathlib import Path
import pandas as pd
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks import common, engine_overhead, gpu, peers, plan_rule, store_size, sweep_speed
from benchmarks.common import Verdicts, write_section
from deepsweep.data import load_data

NUMBER = r'(?:\d+\.\d+|nan|inf)'
RATIO  = re.compile(rf'ratio [\w-]+ [\w+-]+ {NUMBER} \[{NUMBER}, {NUMBER}\] goal (?:-|[\d.e+]+ (?:ok|below))')
LIMIT  = re.compile(r'[\w-]+ \w+ [\d.e+-]+(?: GB)? goal [\d.e+-]+ (?:ok|above)')
GONE   = re.compile(r'(?:not installed: [\w .]+|left out|not asked for): [\w-]+ [\w+-]+ not measured')

@pytest.fixture(autouse=True)
def one_thread():
    "As elsewhere in the tests: the cores may be busy"
    old = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(old)

@pytest.fixture(scope='module')
def images(): return peers.Images(load_data('fashion_mini', n_train=200, n_valid=90))

def last_lines(text):
    "The verdicts that a script printed last"
    lines = text.strip().splitlines()
    first = len(lines)
    while first and any(o.fullmatch(lines[first-1]) for o in (RATIO, LIMIT, GONE)): first -= 1
    return lines[first:]

def names(lines): return [' '.join(o.split()[1:3]) for o in lines if o.startswith('ratio')]

# ---- equal work ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize('shape', [dict(hidden_layers=[32, 32]), dict(conv_layers=[8, 8], hidden_layers=[32], padding=0)], ids=['mlp', 'cnn'])
def test_all_ways_do_the_same_work(images, shape):
    configs = [dict(shape, learning_rate=r, num_epochs=2, batch_size=32, seed=3) for r in (.05, .1)]
    rows = {name: way.fn(configs, images)() for name, way in peers.WAYS.items() if not way.missing}
    assert {'article', 'fastai', 'vmap', 'serial', 'fused'} <= set(rows)
    for name, found in rows.items():
        for mine, theirs in zip(rows['article'], found, strict=True):
            assert theirs['updates'] == mine['updates'] == 2*7, name
            assert theirs['valid loss'] == pytest.approx(mine['valid loss'], abs=1e-3), name
            assert theirs['valid accuracy'] == pytest.approx(mine['valid accuracy'], abs=.02), name
    assert rows['article'][0]['valid loss'] != pytest.approx(rows['article'][1]['valid loss'], abs=1e-3)      # the rates do something

def test_fused_code_ran(images):
    configs = [dict(hidden_layers=[16], learning_rate=r, num_epochs=1, batch_size=32, seed=0) for r in (.05, .1)]
    fused = [o['group'] for o in peers.ours(configs, images, 'auto')()]
    alone = [o['group'] for o in peers.ours(configs, images, False)()]
    assert fused == [1, 1] and pd.isna(alone).all()

def test_pictures_are_the_same_images(images):
    picture, label = images.pictures[0][5]
    tensor, same = images.tensors[0][5]
    assert label == same and torch.allclose(picture, tensor, atol=1e-6)
    colour = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    assert torch.allclose(peers.Pictures(colour, torch.zeros(4, dtype=torch.long))[2][0], (colour[2]/255 - .5)/.5, atol=1e-6)

def test_a_failed_run_is_no_result(images):
    with pytest.raises(Exception): peers.ours([dict(conv_layers=[4]*9, hidden_layers=[8], padding=0, learning_rate=.1, num_epochs=1, batch_size=32, seed=0)], images, 'auto')()

def test_flops(images):
    config = dict(hidden_layers=[10], num_epochs=2)
    first, second = 2*784*10, 2*10*10
    assert sweep_speed.training_flops(config, images.data) == 2*200*(2*first + 3*second) + (first+second)*(200 + 3*90)

# ---- scripts -------------------------------------------------------------------------------------------------------
def test_sweep_speed(capsys, tmp_path):
    page = tmp_path/'page.md'
    code = sweep_speed.main(['--tiny', '--results', str(page), '--goal', 'mlp:article=1e6'])
    lines = last_lines(capsys.readouterr().out)
    wanted = {'mlp article', 'mlp-narrow article', 'mlp fastai', 'mlp serial', 'mlp vmap', 'cnn article', 'cnn64 matrix-rate'} | ({'mlp lightning+optuna'} if not peers.WAYS['lightning+optuna'].missing else set())
    assert set(names(lines)) == wanted
    assert lines[0].startswith('peak mlp ') and lines[0].endswith(' GB goal 2.5 ok')
    assert next(o for o in lines if o.startswith('ratio mlp article')).endswith('goal 1e+06 below') and code == 1
    text = page.read_text()
    assert all(o in text for o in lines) and '4 of 4' in text

def test_peak_and_order_of_rounds():
    rows = [dict(round=n, way=w, seconds=s, width=32) for n, w, s in [(0, 'article', 8), (0, 'fused', 2), (1, 'article', 9), (1, 'fused', 3)]]
    assert sweep_speed.ratios(rows, 'article', 2) == [4, 3]
    assert len(sweep_speed.mlp_shapes())*4 == 64 and len(sweep_speed.cnn_shapes()) == 9

def test_engine_overhead(capsys, tmp_path):
    code  = engine_overhead.main(['--tiny', '--engines', 'ours', 'optuna', '--results', str(tmp_path/'page.md'), '--goal', 'row-ms:ours=1e-9'])
    lines = last_lines(capsys.readouterr().out)
    assert [o.split()[0] for o in lines[:2]] == ['run-ms', 'row-ms'] and lines[1].endswith('goal 1e-09 above') and code == 1
    assert 'ratio durable rows 1.00 [1.00, 1.00] goal 1 ok' in lines
    assert any(GONE.fullmatch(o) and 'ray' in o for o in lines) and 'engine optuna' in names(lines)

def test_store_size(capsys, tmp_path):
    code  = store_size.main(['--tiny', '--results', str(tmp_path/'page.md'), '--goal', 'growth:stored=1e-9'])
    lines = last_lines(capsys.readouterr().out)
    assert [o.split()[0] for o in lines] == ['epochs-ms', 'growth'] and lines[1].endswith('goal 1e-09 above') and code == 1
    assert '| stored runs | ms a run |' in (tmp_path/'page.md').read_text()

def test_plan_rule(capsys, tmp_path):
    torch.set_num_threads(2)
    code  = plan_rule.main(['--tiny', '--results', str(tmp_path/'page.md'), '--goal', 'plan-mlp:best=0', '--goal', 'plan-cnn:best=0', '--goal', 'lanes:one=9'])
    lines = last_lines(capsys.readouterr().out)
    assert names(lines) == ['plan-mlp best', 'plan-cnn best', 'lanes one'] and [o.split()[-1] for o in lines] == ['ok', 'ok', 'below'] and code == 1
    page = (tmp_path/'page.md').read_text()
    assert '| net | batch | alone | 1 | 2 | 4 | 8 | 16 | planned |' in page and 'one by one' in page

@pytest.mark.skipif(bool([o for o in engine_overhead.ENGINES['ray'][1] if engine_overhead.importlib.util.find_spec(o) is None]), reason='Ray Tune is not installed')
def test_ray_reports(tmp_path):
    seconds, rows = engine_overhead.ray_tune(1, tmp_path)
    assert seconds > rows > 0

def test_gpu_on_the_cpu(capsys, tmp_path):
    code  = gpu.main(['--tiny', '--device', 'cpu', '--results', str(tmp_path/'page.md'), '--goal', 'gpu:article=1e6'])
    lines = last_lines(capsys.readouterr().out)
    assert lines[0].startswith('hours protocol ') and lines[1].endswith('goal 1e+06 below') and code == 1
    assert 'CNN' in (tmp_path/'page.md').read_text()

def test_gpu_families():
    found = gpu.families(gpu.STUDIES)
    assert sum(len(o['configs']) for o in found) == 172 and {o['net'] for o in found} >= {'MLP 3×256', 'CNN 5×256'}

@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a CUDA device')
def test_gpu_without_one(capsys, tmp_path):
    page = tmp_path/'page.md'
    assert gpu.main(['--results', str(page)]) == 2 and capsys.readouterr().out.splitlines()[-1] == 'no CUDA device: not measured'
    assert 'no CUDA device: not measured' in page.read_text()

# ---- lines, codes, page --------------------------------------------------------------------------------------------
def test_verdicts():
    v = Verdicts({'mlp:article': 8, 'mlp:vmap': None, 'peak:mlp': 2.5})
    v.ratio('mlp', 'article', [7.5, 9, 9.25]); v.ratio('mlp', 'vmap', [2.]); v.limit('peak', 'mlp', 2.1, 'GB')
    assert v.lines == ['ratio mlp article 9.00 [7.50, 9.25] goal 8 ok', 'ratio mlp vmap 2.00 [2.00, 2.00] goal -', 'peak mlp 2.1 GB goal 2.5 ok'] and v.exit_code == 0
    v.missing('mlp', 'fastai', 'not installed: fastai')
    assert v.lines[-1] == 'not installed: fastai: mlp fastai not measured' and v.exit_code == 2
    v.ratio('mlp', 'article', [7.9])
    assert v.lines[-1].endswith('goal 8 below') and v.exit_code == 1
    assert all(any(p.fullmatch(o) for p in (RATIO, LIMIT, GONE)) for o in v.lines)

def test_unknown_goal():
    with pytest.raises(SystemExit, match="no 'mlp:nobody'"): Verdicts(sweep_speed.GOALS, ['mlp:nobody=3'])

def test_a_missing_peer_is_not_ok(monkeypatch, capsys, tmp_path):
    for o in ('lightning+optuna', 'vmap', 'serial'): monkeypatch.delitem(peers.WAYS, o)
    monkeypatch.setitem(peers.WAYS, 'fastai', peers.Way(peers.fastai_learner, ('no_such_peer',)))
    monkeypatch.setattr(sweep_speed, 'GOALS', {k: None if k != 'peak:mlp' else v for k, v in sweep_speed.GOALS.items()})
    monkeypatch.setattr(sweep_speed, 'peak_memory', lambda tiny: dict(bytes=1e9, before=1e9, runs=4, sizes='4', seconds=1.))
    code  = sweep_speed.main(['--tiny', '--work', 'mlp'])
    lines = last_lines(capsys.readouterr().out)
    assert 'not installed: no_such_peer: mlp fastai not measured' in lines and 'mlp fastai' not in names(lines) and code == 2

def test_sections(tmp_path):
    page = tmp_path/'page.md'
    write_section(page, 'a', 'one'); write_section(page, 'b', 'two'); write_section(page, 'a', 'three')
    text = page.read_text()
    assert text.startswith('# Results') and 'one' not in text and text.index('three') < text.index('two') and text.count('## a') == 1
    write_section(None, 'a', 'nowhere')

def test_results_page():
    text = common.RESULTS.read_text()
    for name in ('sweep_speed', 'engine_overhead', 'store_size', 'plan_rule', 'gpu'):
        if f'## {name}' in text: assert text.index(f'<!-- begin {name} -->') < text.index(f'<!-- end {name} -->')

# ---- rows are safe -------------------------------------------------------------------------------------------------
def test_rows_survive_a_kill(tmp_path):
    "Killed right after a row was reported: the row is there"
    store, code = tmp_path/'kill.db', textwrap.dedent('''
        import os, signal, sys, deepsweep
        from deepsweep.sweep import run_sweep
        def toy(config):
            for epoch in range(5):
                deepsweep.log({'valid accuracy': epoch/10}, step=epoch)
                if epoch == 3: os.kill(os.getpid(), signal.SIGKILL)
        run_sweep([dict(rate=.1)], function=toy, store=sys.argv[1], progress=False)''')
    script = tmp_path/'toy.py'
    script.write_text(code)
    run = subprocess.run([sys.executable, str(script), str(store)], env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True)
    assert run.returncode == -signal.SIGKILL
    with sqlite3.connect(store) as conn: assert [o[0] for o in conn.execute('select epoch from history order by epoch')] == [0, 1, 2, 3]
