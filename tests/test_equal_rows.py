"""A sweep gives the same numbers twice, whatever runs beside it

`REPEATS=5 pytest tests/test_equal_rows.py` tries each more often.
"""
import contextlib, os, random, threading
import numpy as np, pandas as pd, pytest, torch
from deepsweep import log
from deepsweep.data import load_data
from deepsweep.sweep import run_sweep

REPEATS = int(os.environ.get('REPEATS', 1))
RATES, SEEDS = [.2, .1, .05, .02], 4
KINDS = dict(                                                     # six shapes each, with dropout and batch norm among them
    alone = [dict(conv_layers=[w], hidden_layers=[8], kernel_size=3, drop_out=d, batch_norm=b) for w, d, b in zip(range(17, 23), (0, .2)*3, (False, False, True)*2)],
    fused = [dict(hidden_layers=[w], drop_out=d, batch_norm=b) for w, d, b in zip(range(4, 10), (0, .2)*3, (False, False, True)*2)])

@pytest.fixture(scope='module')
def digits(): return load_data('digits', n_train=70, n_valid=30)

@pytest.fixture(autouse=True)
def two_threads():
    "Without a second one there are no lanes"
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)

@contextlib.contextmanager
def disturbed():
    "A thread that draws from all global generators, and one that keeps a core busy"
    over = threading.Event()
    def draw():
        while not over.is_set(): torch.rand(3); np.random.rand(3); random.random()
    def work():
        a = np.ones((300, 300))
        while not over.is_set(): a @ a
    threads = [threading.Thread(target=o, daemon=True) for o in (draw, work)]
    for t in threads: t.start()
    try: yield
    finally:
        over.set()
        for t in threads: t.join()

def rows(result):
    "History without times, in order"
    return result.history_table().drop(columns=['seconds']).sort_values(['run', 'epoch']).reset_index(drop=True)

def first(table): return table[table['epoch'] == 0].reset_index(drop=True)

def sweep_of(kind, digits, folder, name, **how):
    configs = [dict(shape, learning_rate=rate, num_epochs=2) for shape in KINDS[kind] for rate in RATES]
    result = run_sweep(configs, digits, seeds=SEEDS, store=folder/f'{name}.db', progress=False, **how)
    assert len(result.runs) == 96 and set(result.config_table()['state']) == {'finished'}
    plan, found = result.plan_table(), rows(result)
    result.store.close()
    return found, plan

def close(a, b): pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=0, atol=1e-4)
def same(a, b): pd.testing.assert_frame_equal(a, b, check_exact=True)

@pytest.mark.parametrize('kind', list(KINDS))
def test_nets(kind, digits, tmp_path):
    whole, plan = sweep_of(kind, digits, tmp_path, 'once')
    assert plan['fused'].all() == (kind == 'fused') and plan['fused'].any() == (kind == 'fused')
    serial, _ = sweep_of(kind, digits, tmp_path, 'serial', fuse=False)
    same(first(serial), first(whole)); close(serial, whole)
    for i in range(REPEATS):
        random.seed(i); np.random.seed(i); torch.manual_seed(i)                # whatever state a call begins in
        same(sweep_of(kind, digits, tmp_path, f'again{i}')[0], whole)
        before = torch.get_rng_state()
        same(sweep_of(kind, digits, tmp_path, f'serial{i}', fuse=False)[0], serial)
        assert torch.equal(torch.get_rng_state(), before)                      # and it is left as it was
        with disturbed():
            same(sweep_of(kind, digits, tmp_path, f'beside{i}')[0], whole)
            same(sweep_of(kind, digits, tmp_path, f'serial beside{i}', fuse=False)[0], serial)

def test_lanes(digits, tmp_path, monkeypatch):
    "Side by side, one after the other, in one lane: the same rows, since a net in a lane has one thread in all of them"
    import deepsweep.plan as plan
    tables = {}
    for lanes in (1, 2):
        for kind in KINDS:
            monkeypatch.setattr(plan, '_LANE_STEP', 0)
            monkeypatch.setattr('deepsweep.engine.LANES', lanes)
            found, planned = sweep_of(kind, digits, tmp_path, f'{kind}{lanes}')
            assert set(planned['threads']) == {1}
            tables[kind, lanes] = found
    for kind in KINDS: same(tables[kind, 1], tables[kind, 2])

def test_forced_groups(digits, tmp_path):
    "Nets that would train alone, fused: the same starts, and ends within rounding"
    whole, _ = sweep_of('alone', digits, tmp_path, 'a')
    fused, plan = sweep_of('alone', digits, tmp_path, 'b', fuse=True)
    assert plan['fused'].all()
    same(first(whole), first(fused)); close(whole, fused)

def own_generator(config):
    g = torch.Generator().manual_seed(config['seed'])
    draws, np_draws = torch.rand(5, generator=g), np.random.default_rng(config['seed'])
    for epoch in (1, 2, 3): log({'train loss': (draws*epoch).sum().item() + np_draws.random() + config['x']}, step=epoch)

def global_generators(config):
    net = torch.nn.Linear(3, 3)
    for epoch in (1, 2, 3): log({'train loss': net(torch.rand(4, 3)).sum().item() + random.random() + np.random.rand() + config['x']}, step=epoch)

def function_sweep(fn, folder, name, **how):
    configs = [dict(x=float(x)) for x in range(24)]
    result = run_sweep(configs, function=fn, seeds=SEEDS, store=folder/f'{name}.db', progress=False, **how)
    assert len(result.runs) == 96 and set(result.config_table()['state']) == {'finished'}
    found = rows(result)
    result.store.close()
    return found

@pytest.mark.parametrize('fn', [own_generator, global_generators])
def test_functions(fn, tmp_path):
    whole = function_sweep(fn, tmp_path, 'a')
    for i in range(REPEATS):
        random.seed(i); np.random.seed(i); torch.manual_seed(i)
        same(function_sweep(fn, tmp_path, f'b{i}'), whole)
        same(function_sweep(fn, tmp_path, f'c{i}', fuse=False), whole)
        if fn is own_generator:
            with disturbed(): same(function_sweep(fn, tmp_path, f'd{i}'), whole)

def test_two_functions_and_a_sweep_of_nets_in_threads(digits, tmp_path):
    "Each lends the global generators to the other at every log"
    whole, nets = function_sweep(global_generators, tmp_path, 'a'), sweep_of('fused', digits, tmp_path, 'n')[0]
    found = {}
    def work(name): found[name] = sweep_of('fused', digits, tmp_path, name)[0] if name == 'nets' else function_sweep(global_generators, tmp_path, name)
    threads = [threading.Thread(target=work, args=(o,)) for o in ('one', 'two', 'nets')]
    for t in threads: t.start()
    for t in threads: t.join()
    same(found['one'], whole); same(found['two'], whole); same(found['nets'], nets)
