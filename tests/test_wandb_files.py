"Logs of W&B read by us and by W&B's own reader; cut, flipped, many"
import json, math, warnings
import numpy as np, pandas as pd, pytest
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
