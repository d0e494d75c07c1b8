"Logs of W&B read by us and by W&B's own reader; cut, flipped, many"
import json, math, os, subprocess, sys, textwrap, time, warnings
from pathlib import Path
import matplotlib; matplotlib.use('agg')
import matplotlib.pyplot as plt, numpy as np, pandas as pd, pytest
from deepsweep.analysis import best_table, example_regularization, example_tables, join_tables, regularization_table
from deepsweep.plots import (compare_cnn_sizes, compare_learning_rates_per_model, compare_mlp_sizes, max_test_acc_lr_bar, max_test_acc_reg_bar,
                             plot_train_vs_test_accuracy, plot_train_vs_test_loss, print_best_models, show_training)
from deepsweep.core import StoreError
from deepsweep.wandb_files import read_wandb_logs
from wandb_maker import *

def plain(v):
    "A value as W&B's reader prints it"
    if isinstance(v, dict): return {k: plain(o) for k, o in v.items()}
    if isinstance(v, (list, tuple)): return [plain(o) for o in v]
    if isinstance(v, (bool, np.bool_)): return bool(v)
    if isinstance(v, (float, np.floating)): return 'NaN' if math.isnan(v) else 'Infinity' if v == math.inf else '-Infinity' if v == -math.inf else float(v)
    return int(v) if isinstance(v, np.integer) else v

def missing(v): return v is None or isinstance(v, (float, np.floating)) and math.isnan(v)

def assert_equal_rows(history, rows):
    "Every value of the oracle is ours; where it has none, ours is missing"
    assert len(history) == len(rows)
    ours = history.drop(columns=['run', 'name']).astype(object).to_dict('records')
    for ours, theirs in zip(ours, rows):
        for k, v in ours.items():
            if k not in theirs: assert missing(v), (k, v)
        for k, v in theirs.items():
            assert plain(v) == plain(ours[k]) or v in (None, 'NaN') and missing(ours[k]), (k, v, ours[k])

def flat(d, at=''):
    for k, v in d.items():
        if isinstance(v, dict) and v: yield from flat(v, f'{at}{k}.')
        else: yield f'{at}{k}', v

def quietly(*args):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        return read_wandb_logs(*args)

# ---- the oracle -----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope='module')
def fifty(tmp_path_factory):
    "44 runs in our own writing, 6 written by W&B"
    folder = tmp_path_factory.mktemp('fifty')
    for i in range(44):
        rng = np.random.default_rng(i)
        put(folder/'wandb', f'our{i:05}', run_records(f'our{i:05}', random_rows(rng), random_dict(rng), name=f'Lauf {i} ü'))
    rng  = np.random.default_rng(99)
    runs = [dict(rows=random_rows(rng), config=random_dict(rng)) for _ in range(6)]
    (folder/'runs.json').write_text(json.dumps(runs))
    write_by_wandb(folder, '''
        for i, r in enumerate(json.load(open(sys.argv[1] if len(sys.argv) > 1 else 'RUNS'))):
            run = wandb.init(project='p', id=f'their{i}', name=f'their {i} ü' if i else None, config=r['config'], settings=settings)
            for step, row in enumerate(r['rows']): run.log(row, step=step*(1 + i%3))
            run.summary['by hand'] = i
            run.finish(exit_code=i%2)
    '''.replace('RUNS', str(folder/'runs.json')))
    return folder

def test_fifty_runs_equal_the_oracle(fifty):
    files = sorted((fifty/'wandb').glob('*run-*/*.wandb'))
    assert len(files) == 50 and max(o.stat().st_size for o in files) > 3*BLOCK
    config, history = quietly(fifty)
    assert len(config) == 50 and config['name'].is_unique and config.attrs['problems'] == []
    n = 0
    for file in files:
        rows, facts = oracle_rows(file), oracle_summary(file)
        row = config[config['run'] == facts['run_id']].iloc[0]
        assert_equal_rows(history[history['name'] == row['name']], rows)
        assert (row['name'], row['state']) == (facts['name'] or facts['run_id'], facts['state'])
        n += len(rows)
    assert n == len(history) > 500

def test_config_equals_the_oracle(fifty):
    "Its printout of a run's config; where a key holds a dot it nests differently, so both are flattened"
    for file in sorted((fifty/'wandb').glob('*run-*/*.wandb')):
        config, _ = quietly(file)
        theirs = dict(flat(oracle_summary(file)['config']))
        for k, v in theirs.items(): assert plain(v) == plain(config[k].iloc[0]) or v in (None, 'NaN') and missing(config[k].iloc[0]), (k, v, config[k].iloc[0])

def test_summary_equals_the_oracle(tmp_path):
    "What `define_metric` keeps, what a program sets by hand, nested too"
    write_by_wandb(tmp_path, """
        run = wandb.init(project='p', id='a', settings=settings)
        run.define_metric('valid accuracy', summary='max'); run.define_metric('loss', summary='min,last'); run.define_metric('gone', hidden=True)
        for e in range(5): run.log({'epoch': e, 'valid accuracy': [.1, .5, .9, .3, .2][e], 'loss': abs(e - 2.5), 'nest': {'a': e}})
        run.summary['best'] = .9; run.summary['nested'] = {'deep': {'er': 1}, 'x': [1, 2]}; run.summary.update({'more': {'b': 'ü'}})
        run.config.update({'late': {'a': 1}}); run.summary['dropped'] = 1; del run.summary['dropped']
        run.finish()
    """)
    config, history = quietly(tmp_path)
    theirs = {k: v for k, v in flat(oracle_summary(next(tmp_path.glob('wandb/*run-*/*.wandb')))['summary']) if k not in history and not k.startswith('_')}
    ours   = config.iloc[0].to_dict()
    assert {'valid accuracy.max', 'best', 'nested.deep.er', 'more.b'} <= set(theirs)
    assert {k: plain(ours[k]) for k in theirs} == theirs and set(ours) - set(theirs) == {'run', 'name', 'state', 'late.a'}

# ---- damage ---------------------------------------------------------------------------------------------------------------
ROWS = [{'epoch': e, 'train loss': 1/(e + 1), 'valid accuracy': 1 - 1/(e + 1), 'note': 'ü'*(9000 if e%50 == 7 else 3)} for e in range(300)]

def loudly(*args):
    "Tables and the warnings they came with"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        return *read_wandb_logs(*args), [str(o.message) for o in caught]

@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    file, ends = put(tmp_path_factory.mktemp('whole'), 'whole', run_records('whole', ROWS, dict(variant='A')))
    assert len(ends) == 2*len(ROWS) + 2 and file.stat().st_size > 8*BLOCK
    return file, ends, read_wandb_logs(file)[1]

def test_a_cut_file_gives_the_rows_before_the_cut(whole, tmp_path):
    file, ends, history = whole
    data, rng = file.read_bytes(), np.random.default_rng(0)
    cuts = [*rng.integers(ends[0], len(data), 20), *ends[1:4], ends[-1] - 1, BLOCK, BLOCK + 3, 2*BLOCK - 3]
    for cut in map(int, cuts):
        (tmp_path/'cut.wandb').write_bytes(data[:cut])
        config, ours, said = loudly(tmp_path/'cut.wandb')
        n = sum(end <= cut for end in ends[2:-1:2])                     # run, then summary and history in turn
        pd.testing.assert_frame_equal(ours.drop(columns='note', errors='ignore'), history[:n][ours.columns].drop(columns='note', errors='ignore'))
        assert len(ours) == n == len(oracle_rows(tmp_path/'cut.wandb')) and config['variant'].tolist() == ['A']
        clean = cut in ends
        assert len(config.attrs['problems']) == len(said) == (not clean)
        if not clean:
            problem = config.attrs['problems'][0]
            start   = max(e for e in [7, *ends] if e <= cut)
            assert problem.rule.startswith('torn') and problem.file.endswith('cut.wandb') and start <= problem.offset <= cut and f'at byte {problem.offset:,}' in said[0]

def test_flipped_bytes_give_a_report_and_rows_that_were_written(whole, tmp_path):
    file, ends, history = whole
    data, rng, fewest = file.read_bytes(), np.random.default_rng(1), len(history)
    known = set(zip(history['epoch'], history['train loss'], history['valid accuracy']))
    places = [*range(7), *rng.integers(0, len(data), 193)]
    for i, at in enumerate(map(int, places)):
        broken = bytearray(data); broken[at] ^= int(rng.integers(1, 256))
        (tmp_path/'flip.wandb').write_bytes(broken)
        config, ours, said = loudly(tmp_path/'flip.wandb')
        padded = not any(data[at:at - at%BLOCK + BLOCK]) and at%BLOCK > BLOCK - 7          # the zeros that fill a block are no data
        assert padded or len(config.attrs['problems']) >= 1 and len(said) == 1
        assert set(zip(ours['epoch'], ours['train loss'], ours['valid accuracy'])) <= known and ours['epoch'].is_monotonic_increasing
        assert len(ours) >= len(history) - 130 and len(config) == 1
        if i >= 7 and i%5 == 0: assert len(ours) == len(oracle_rows(tmp_path/'flip.wandb'))            # W&B's reader skips the same blocks
        fewest = min(fewest, len(ours))
    assert fewest < len(history)

def test_much_damage(whole, tmp_path):
    data, rng = whole[0].read_bytes(), np.random.default_rng(2)
    for n in (3, 10, 100, 5000):
        broken = bytearray(data)
        for at in rng.integers(7, len(data), n): broken[at] ^= int(rng.integers(1, 256))
        (tmp_path/'run-much.wandb').write_bytes(broken)
        try: config, ours, said = loudly(tmp_path/'run-much.wandb')
        except Exception as e: assert type(e).__name__ == 'StoreError' and n == 5000, e
        else: assert len(said) == 1 and set(ours.get('epoch', pd.Series(dtype=float)).dropna()) <= set(range(300))

# ---- many, and the article's calls ------------------------------------------------------------------------------------------
def test_180_runs_of_100_epochs(tmp_path):
    "Each run is its record, the rows of the other runs, and its end: reading does not know that they are equal"
    rows = [{'epoch': e, 'updates': 188*e, 'learning_rate': .05, 'seconds': .1 + e/1000, **{k: 1/(e + 1.3) for k in ('train loss', 'train accuracy', 'valid loss', 'valid accuracy', 'top valid accuracy')}} for e in range(101)]
    body = run_records('x', rows)[1:]
    for i in range(180): put(tmp_path, f'r{i:03}', [run_record(f'r{i:03}', dict(variant='A', seed=i, hidden_layers=[32, 32]), started=i), *body])
    seconds = []
    for _ in range(2):
        start = time.process_time()
        config, history = quietly(tmp_path)
        seconds.append(time.process_time() - start)
    print(f'{len(history):,} rows of {len(config)} runs read in {min(seconds):.2f} s')
    assert (len(config), len(history)) == (180, 180*101) and config['seed'].tolist() == list(range(180))
    assert min(seconds) < 4

def write_store_tables(folder, config, history):
    "Runs with the store's columns, as a tracker logs them"
    facts = ['run', 'name', 'state', 'best epoch', 'stop reason', 'hold accuracy', 'hold loss', 'hold fingerprint', 'group', 'attempt', 'device', 'seconds', 'parameters', 'data', 'error']
    clean = lambda v: None if v is pd.NA or isinstance(v, float) and math.isnan(v) else v.item() if hasattr(v, 'item') else v
    for i, c in enumerate(config.to_dict('records')):
        rows = history[history['name'] == c['name']].drop(columns=['run', 'name']).astype(object).to_dict('records')
        rows = [{k: v.item() if hasattr(v, 'item') else v for k, v in r.items()} for r in rows]
        records = run_records(c['run'], rows, {k: clean(v) for k, v in c.items() if k not in facts}, code=None, name=c['name'], started=i)
        put(folder/'wandb', c['run'], [*records, summary_record(**{k: clean(c[k]) for k in facts[2:] if k in c}), exit_record(0)])

def test_the_article_calls_run_on_what_is_read(tmp_path, monkeypatch, capsys):
    config, history = example_tables()
    write_store_tables(tmp_path, config, history)
    monkeypatch.chdir(tmp_path); monkeypatch.delenv('WANDB_DIR', raising=False)
    df_config_summary, df_history_summary = read_wandb_logs()
    ours = df_config_summary.set_index('name').loc[config['name']].reset_index()
    for k in config: assert [plain(o) if not missing(o) and o is not pd.NA else None for o in ours[k]] == [plain(o) if not missing(o) and o is not pd.NA else None for o in config[k]], k
    assert list(df_history_summary)[:-3] == list(history) and list(df_history_summary)[-3:] == ['_step', '_runtime', '_timestamp']
    both = [t.sort_values(['name', 'epoch']).reset_index(drop=True)[list(history)] for t in (df_history_summary, history)]
    pd.testing.assert_frame_equal(*both, check_dtype=False)
    df_history_max_test_acc = df_history_summary.loc[df_history_summary.groupby(["name"])["valid accuracy"].idxmax()].reset_index(drop=True)
    df_history_max_test_acc = pd.merge(df_history_max_test_acc, df_config_summary, left_on="name", right_on="name")
    print_best_models(df_history_max_test_acc, variant="MLP_SGD")
    assert 'valid accuracy' in capsys.readouterr().out
    df = pd.merge(df_history_summary, df_config_summary, left_on="name", right_on="name")
    for variant in ("MLP_SGD", "CNN_SGD"):
        assert len(show_training(df=df, variant=variant, columns=["train loss", "valid loss", "train accuracy", "valid accuracy", "top valid accuracy"])) == 5
        assert len(plot_train_vs_test_loss(df, variant).lines) and len(plot_train_vs_test_accuracy(df, variant).lines)
        max_test_acc_lr_bar(df, variant)
    compare_learning_rates_per_model(df_history_max_test_acc)
    for draw, variant in ((compare_mlp_sizes, "MLP_SGD"), (compare_cnn_sizes, "CNN_SGD")): draw(df_history_max_test_acc, variant=variant)
    regular = example_regularization()
    write_store_tables(tmp_path/'regular', *regular)
    df_l2 = pd.merge(*read_wandb_logs('regular')[::-1], left_on="name", right_on="name")
    variant = df_l2['variant'].iloc[0]
    ax, table = max_test_acc_reg_bar(df_l2, variant), regularization_table(pd.merge(regular[1], regular[0], on='name'), variant)
    assert next(o for o in ax.collections if o.get_gid() == 'means').get_offsets()[:, 1].tolist() == table['mean'].tolist()
    expected = pd.merge(history, config, left_on='name', right_on='name')
    pd.testing.assert_frame_equal(best_table(df, 'MLP_SGD'), best_table(expected, 'MLP_SGD'), check_dtype=False, check_like=True)
    assert len(join_tables(df_config_summary, df_history_summary)) == len(join_tables(config, history))
    plt.close('all')

# ---- names, and runs in several files ---------------------------------------------------------------------------------------
def test_names_are_unique(tmp_path):
    rows = [{'epoch': 0}]
    for run, keys in dict(a=dict(name='same'), b=dict(name='same'), c=dict(name='other'), d={}).items(): put(tmp_path, run, run_records(run, rows, **keys))
    config, history = quietly(tmp_path)
    assert config['name'].tolist() == history['name'].tolist() == ['same-a', 'same-b', 'other', 'd'] and config['run'].tolist() == list('abcd')
    put(tmp_path/'elsewhere', 'a', run_records('a', rows, name='same', project='q'))
    names = quietly(tmp_path)[0]['name'].tolist()
    assert len(set(names)) == 5 and {'p/same-a', 'q/same-a', 'same-b'} < set(names)

def test_a_run_in_two_files_is_one_run(tmp_path):
    "Torn and written again, or resumed: on each step the later file has the last word"
    torn = run_records('a', [{'epoch': e, 'x': -1} for e in range(3)], dict(lr=.1, old=True), code=None, started=10)
    put(tmp_path/'2', 'a', torn)                                                       # its folder sorts behind the newer one's
    put(tmp_path/'1', 'a', run_records('a', [{'epoch': e, 'x': 1} for e in range(5)], dict(lr=.2), started=20))
    put(tmp_path/'1', 'b', run_records('b', [{'epoch': 0, 'x': 2}], started=15))
    config, history, said = loudly(tmp_path)
    assert config['name'].tolist() == ['a', 'b'] and config['lr'].iloc[0] == .2 and config['state'].iloc[0] == 'finished'
    assert history[history['name'] == 'a']['x'].tolist() == [1]*5 and history[history['name'] == 'b']['x'].tolist() == [2]
    assert "run 'a' lies in 2 files; 3 of its rows gave way" in said[0]

def test_a_link_to_a_run_is_not_another_run(tmp_path):
    file, _ = put(tmp_path, 'a', run_records('a', [{'epoch': 0}]))
    (tmp_path/'latest-run').symlink_to(file.parent); (file.parent/'again.wandb').symlink_to(file)
    assert len(quietly(tmp_path)[1]) == 1 and len(quietly(tmp_path/'latest-run')[1]) == 1

def test_where_none_looks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path); monkeypatch.delenv('WANDB_DIR', raising=False)
    with pytest.raises(StoreError, match="no run of W&B below 'wandb'; log a run with WANDB_MODE=offline, name a folder, or set WANDB_DIR"): read_wandb_logs()
    put('wandb', 'a', run_records('a', [{'epoch': 0}]))
    put('logs/wandb', 'b', run_records('b', [{'epoch': 0}]))
    put('other/wandb', 'c', run_records('c', [{'epoch': 0}]))
    runs = lambda *args: sorted(quietly(*args)[0]['run'])
    assert runs() == ['a'] and runs('.') == ['a', 'b', 'c'] and runs(tmp_path/'logs') == ['b']
    for place in ('logs', 'logs/wandb', 'other', str(tmp_path/'other')):
        monkeypatch.setenv('WANDB_DIR', place)
        assert runs() == (['c'] if 'other' in place else ['b'])
    monkeypatch.setenv('WANDB_DIR', 'nowhere')
    with pytest.raises(StoreError, match="'nowhere', named by WANDB_DIR"): read_wandb_logs()

# ---- what a run says about itself --------------------------------------------------------------------------------------------
def test_states(tmp_path):
    for i, code in enumerate((0, 1, 255, None, None)):
        file, _ = put(tmp_path, f'r{i}', run_records(f'r{i}', [{'epoch': 0}], code=code, started=i))
    os.utime(file, (0, 0))
    assert quietly(tmp_path)[0]['state'].tolist() == ['finished', 'failed', 'failed', 'running', 'interrupted']

def test_columns_of_the_config_table(tmp_path):
    "W&B's copies of the last row stay out, what was set by hand comes in, and no column of the history comes twice by accident"
    record = run_records('a', [{'epoch': e, 'valid accuracy': .1*e, 'seconds': .5, 'learning_rate': .1} for e in range(3)], {'learning_rate': .1, 'opt': {'name': 'sgd', 'beta': [.9]}, 'schedule': {'name': 'cosine'}, 'state': 'mine', '_wandb': {}})
    put(tmp_path, 'a', [*record[:-1], summary_record(seconds=1.5, state='diverged', best=.2, **{'valid accuracy': .2}), record[-1]])
    config, history = quietly(tmp_path)
    assert config.iloc[0].to_dict() == {'run': 'a', 'name': 'a', 'learning_rate': .1, 'opt.name': 'sgd', 'opt.beta': [.9], 'schedule': {'name': 'cosine'}, 'config.state': 'mine',
                                        'state': 'diverged', 'seconds': 1.5, 'best': .2, 'summary.valid accuracy': .2}
    assert list(history) == ['run', 'name', 'epoch', 'valid accuracy', 'learning_rate', 'seconds', '_step', '_runtime', '_timestamp'] and history['epoch'].dtype == int

def test_values_of_other_versions(tmp_path):
    "A dict in one text as older versions wrote it, typed values as the description allows, a value that is no JSON, a row without its step"
    r = Record()
    for key, keys in dict(a=dict(integer=2**60), b=dict(number=.5), c=dict(text='hi'), d=dict(json='{"q": [1]}'), e=dict(boolean=True), f=dict(none=1), g=dict(value_json='{"h": {"i": 1}, "j": {}}'),
                          bad=dict(value_json='{oops'), deep=dict(value_json='['*100_000)).items(): r.history.item.add(key=key, **keys)
    r.history.step.num = 7
    put(tmp_path, 'a', [run_record('a', {}), r.SerializeToString()])
    config, history, said = loudly(tmp_path)
    row = history.iloc[0].to_dict()
    assert {k: row[k] for k in ('a', 'b', 'c', 'd.q', 'e', 'g.h.i', 'g.j', '_step')} == {'a': 2**60, 'b': .5, 'c': 'hi', 'd.q': [1], 'e': True, 'g.h.i': 1, 'g.j': {}, '_step': 7}
    assert missing(row['f']) and 'bad' not in row and "a value of 'bad' is no JSON" in said[0] and len(config.attrs['problems']) == 2

def test_a_live_run_is_read_up_to_its_last_whole_record(tmp_path):
    "Read while it is written, the file ends anywhere"
    records = run_records('live', [{'epoch': e} for e in range(200)])
    data, ends = frame(records)
    seen = []
    with open(tmp_path/'run-live.wandb', 'wb') as out:
        for start in range(0, len(data), 997):
            out.write(data[start:start + 997]); out.flush()
            if start:
                _, history, _ = loudly(tmp_path)
                seen.append(list(history.get('epoch', [])))
                assert seen[-1] == list(range(sum(e <= start + 997 for e in ends[2:-1:2])))
    assert len(seen[-1]) == 200

# ---- a project on the server: a double, for tests have no network --------------------------------------------------------------
class Summary(dict):
    _json_dict = property(dict)

class ServerRun:
    def __init__(self, id, rows, state='finished'):
        self.id, self.name, self.state, self.url, self.rows = id, f'run {id}', state, f'https://example.org/{id}', rows
        self.config, self.summary = {'lr': .1, 'opt': {'name': 'sgd'}, '_wandb': {}}, Summary({**(rows[-1] if rows else {}), 'seconds': 9., 'best': {'epoch': 2}, '_wandb': {'runtime': 3}})
    def scan_history(self): return iter(self.rows)

def test_a_project_on_the_server(monkeypatch):
    asked = []
    rows  = [{'epoch': e, 'valid loss': 'NaN' if e == 1 else .5, 'seconds': 1., 'nest': {'a': e}, '_step': e} for e in range(3)]
    class Api:
        def runs(self, path): asked.append(path); return [ServerRun('a', rows), ServerRun('b', rows[:1], 'crashed'), ServerRun('c', [])]
    monkeypatch.setattr('wandb.Api', Api)
    config, history = quietly('team/project')
    assert asked == ['team/project'] and config['name'].tolist() == ['run a', 'run b', 'run c'] and config['state'].tolist() == ['finished', 'interrupted', 'finished']
    assert history['epoch'].tolist() == [0, 1, 2, 0] and history['nest.a'].tolist() == [0, 1, 2, 0] and history['valid loss'].isna().tolist() == [False, True, False, False]
    assert list(config) == ['run', 'name', 'lr', 'opt.name', 'state', 'best.epoch', 'seconds'] and config['seconds'].tolist()[0] == 9
    for answer, text in ((ValueError('Could not find\nproject'), 'ValueError: Could not find project'), (ConnectionError('no route'), 'ConnectionError: no route')):
        def fail(self, path, answer=answer): raise answer
        monkeypatch.setattr(Api, 'runs', fail)
        with pytest.raises(StoreError, match=text): read_wandb_logs('team/project')
    monkeypatch.setattr(Api, 'runs', lambda self, path: [])
    with pytest.raises(StoreError, match="'team/project' has no runs"): read_wandb_logs('team/project')

def test_without_a_key_it_says_so_at_once(tmp_path):
    code = """
        import time
        from deepsweep.core import StoreError
        from deepsweep.wandb_files import read_wandb_logs
        start = time.perf_counter()
        try: read_wandb_logs('team/project')
        except StoreError as e: print(round(time.perf_counter() - start, 2), e)
    """
    env = {k: v for k, v in offline(tmp_path).items() if k not in ('WANDB_API_KEY', 'WANDB_MODE')} | dict(HOME=str(tmp_path), NETRC=str(tmp_path/'none'), PYTHONPATH=str(Path(__file__).parent.parent))
    out = subprocess.run([sys.executable, '-c', textwrap.dedent(code)], env=env, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    seconds, text = out.stdout.strip().split(' ', 1)
    print(seconds, text)
    assert text == "there is no folder 'team/project', and a project of W&B needs a login: run `wandb login` once, or set WANDB_API_KEY" and float(seconds) < 20 and not out.stderr
