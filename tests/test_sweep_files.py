"""Sweep files as people have them: read, counted, told what is wrong with them, and run with their own scripts

The texts are the shapes that public sweep files have. What each should give is written beside it by hand.
"""
import os, signal, subprocess, sys, textwrap, time, warnings
from pathlib import Path
import psutil, pytest, yaml
from deepsweep import core
from deepsweep.core import SweepError
from deepsweep.own_code import OwnCode
from deepsweep.plan import sweep_runs
from deepsweep.program import program_function
from deepsweep.space import check_sweep, expand_grid, grid_size
from deepsweep.sweep import prepare, run_sweep

FUNCTION = OwnCode(function=lambda config: None)
PUBLIC   = {o['source']: o['sweep'] for o in yaml.safe_load((Path(__file__).parent/'data'/'public_sweeps.yaml').read_text())}
REFUSED  = {                                             # part of the source -> part of the message
    'TotalLoss':    "run_name is not a key of a sweep",
    '5e-7':         'YAML reads 5e-7 as text: write 5.0e-7',
    'wandb#1421':   'is ambiguous',
    'wandb#4428':   'write optimizer: {parameters: {name: {values: [Adam, SGD]}, lr: {values: [0.001, 0.005]}}}'}

def runs(sweep, count=None, **kw): return sweep_runs(sweep, count=count, own=FUNCTION, **kw)

# ---- public files ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize('source', PUBLIC)
def test_public(source):
    sweep, rule = PUBLIC[source], next((v for k, v in REFUSED.items() if k in source), None)
    if rule is not None:
        with pytest.raises(SweepError) as e: check_sweep(sweep)
        assert rule in str(e.value)
        return
    checked = check_sweep(sweep)
    if checked['method'] == 'bayes' or 'early_terminate' in checked: return
    found = [r.config for r in runs(sweep, 3)]
    assert len(found) == min(3, grid_size(sweep) if checked['method'] == 'grid' else 3)
    if checked['method'] == 'grid': assert [r.config for r in runs(sweep)][:3] == found == expand_grid(sweep, 3)

@pytest.mark.parametrize('source', [o for o in PUBLIC if 'program' in PUBLIC[o]])
def test_public_script_without_a_function(source):
    "Whoever runs such a file without its script is told so first"
    sweep = PUBLIC[source]
    try: checked = check_sweep(sweep)
    except SweepError: return
    if checked['method'] == 'bayes' or 'early_terminate' in checked: return
    for ask in (lambda: sweep_runs(sweep), lambda: prepare(sweep)):
        with pytest.raises(SweepError) as e: ask()
        assert str(e.value).startswith(f"this sweep was written for the training script {sweep['program']},")
        assert '--function' in str(e.value) and '--program' in str(e.value)
        assert len({(k, rule) for k, rule, _ in e.value.problems}) == len(e.value.problems) > 0

# ---- what people write -------------------------------------------------------------------------------------------------
def params(text): return 'method: grid\nparameters:\n' + textwrap.indent(textwrap.dedent(text).strip('\n'), '  ')
GOOD = {                                                 # name -> text, number of configs, part of a note or None
    'quickstart':      ('method: random\nrun_cap: 7\nmetric: {goal: minimize, name: score}\nparameters: {x: {max: 0.1, min: 0.01}, y: {values: [1, 3, 7]}}', 7, None),
    'project, entity': ('program: train.py\nproject: p\nentity: e\nname: n\ndescription: d\n' + params('lr: {values: [0.1, 0.2]}'), 2, None),
    'block style':     (params('lr:\n  values:\n    - 0.1\n    - 0.2\nepochs:\n  value: 5'), 2, None),
    'all constants':   (params('a: {value: 1}\nb: {value: x}'), 1, None),
    'booleans':        (params('a: {values: [true, false]}\nb: {values: [yes, no]}'), 4, None),
    'null':            (params('a: {values: [null, 1]}'), 2, None),
    'lists':           (params('layers: {values: [[8], [8, 8]]}'), 2, None),
    'dicts':           (params('opt: {values: [{name: sgd, lr: 0.1}, {name: adam, lr: 0.001}]}'), 2, None),
    'capitals':        (params('LR: {values: [0.1]}\nBatch-Size: {values: [8, 16]}'), 2, None),
    'dotted names':    (params('optim.lr: {values: [0.1, 0.2]}\noptim.name: {value: sgd}'), 2, None),
    'nested':          (params('opt: {parameters: {lr: {values: [0.1, 0.2]}, b: {parameters: {c: {values: [1, 2]}}}}}'), 4, None),
    'range of ints':   (params('n: {min: 1, max: 4}'), 4, None),
    'steps':           (params('n: {distribution: q_uniform, min: 0, max: 1, q: 0.25}'), 5, None),
    'a value twice':   (params('lr: {values: [0.1, 0.2, 0.1]}'), 2, None),
    'float tag':       (params('lr: {values: [!!float 1e-3, 1.0e-4]}'), 2, None),
    'text in values':  (params('lr: {values: [1e-3, 1e-4, 0.1]}'), 3, "lr: '1e-3' is text: YAML reads 1e-3 as text, write 1.0e-3, and 1 more like it"),
    'text in value':   (params('lr: {value: 1E5}'), 1, "lr: '1E5' is text: YAML reads 1E5 as text, write 1.0e+5"),
    'text, nested':    (params('o: {parameters: {lr: {values: [[-2e-4], [0.1]]}}}'), 2, "o.lr: '-2e-4' is text: YAML reads -2e-4 as text, write -2.0e-4"),
    'text, no sign':   (params('lr: {value: 1.5e3}'), 1, "lr: '1.5e3' is text: YAML reads 1.5e3 as text, write 1.5e+3"),
    'a word':          (params('name: {values: [e5, 1x, "0.1"]}'), 3, None),
    'probabilities':   ('method: random\nrun_cap: 3\nparameters: {a: {values: [1, 2, 3], probabilities: [0.8, 0.1, 0.1]}, b: {distribution: normal, mu: 0, sigma: 1}}', 3, None),
    'log uniform':     ('method: random\nrun_cap: 3\nparameters: {lr: {distribution: log_uniform_values, min: 0.0001, max: 0.1}}', 3, None),
    'cap':             ('run_cap: 3\n' + params('a: {min: 1, max: 1000000000}\nb: {values: [1, 2]}'), 3, None),
    'launch':          ('job: a job\nscheduler: {num_workers: 8, resource: local}\n' + params('a: {values: [1, 2]}'), 2, None),
}

@pytest.mark.parametrize('name', GOOD)
def test_good(name):
    text, n, note = GOOD[name]
    notes = []
    assert len({r.id for r in runs(yaml.safe_load(text), notes=notes)}) == n
    assert notes == ([] if note is None else [note])

BAD = {                                                  # name -> text, part of the message
    'text as bound':      ('method: random\nrun_cap: 2\nparameters: {lr: {min: 1e-5, max: 1e-1}}',         'YAML reads 1e-5 as text: write 1.0e-5'),
    'text as cap':        ('method: random\nrun_cap: 1e2\nparameters: {a: {values: [1]}}',                 'write 1.0e+2'),
    'text as target':     ('metric: {name: acc, target: 9e-1}\n' + params('a: {value: 1}'),                'write 9.0e-1'),
    'text, probability':  ('method: random\nrun_cap: 2\nparameters: {a: {values: [1, 2], probabilities: [5e-1, 0.5]}}', 'write 5.0e-1'),
    'text as mu':         ('method: random\nrun_cap: 2\nparameters: {o: {parameters: {a: {distribution: normal, mu: 1e-2}}}}', 'write 1.0e-2'),
    'bare number':        (params('lr: 0.1'),                                                              'write lr: {value: 0.1}'),
    'bare text number':   (params('lr: 1e-3'),                                                             'write lr: {value: 0.001}'),
    'bare list':          (params('lr: [0.1, 0.2]'),                                                       'write lr: {values: [0.1, 0.2]}'),
    'bare word':          (params('name: adam'),                                                           'write name: {value: adam}'),
    'no parameters':      (params('opt: {lr: {values: [0.1, 0.2]}, name: {value: adam}}'),                 'write opt: {parameters: {lr: {values: [0.1, 0.2]}, name: {value: adam}}}'),
    'none, deep':         (params('opt: {lr: {values: [1]}, adam: {b1: {values: [0.8, 0.9]}}}'),           'write opt: {parameters: {lr: {values: [1]}, adam: {parameters: {b1: {values: [0.8, 0.9]}}}}}'),
    'none, inner':        (params('opt: {parameters: {adam: {b1: {values: [0.8, 0.9]}}}}'),                'write adam: {parameters: {b1: {values: [0.8, 0.9]}}}'),
    'none, bare':         (params('opt: {lr: 0.1, betas: [0.8, 0.9]}'),                                    'write opt: {parameters: {lr: {value: 0.1}, betas: {values: [0.8, 0.9]}}}'),
    'none, called b':     (params('opt: {b: {values: [1, 2]}}'),                                           'write opt: {parameters: {b: {values: [1, 2]}}}'),
    'misspelt':           (params('lr: {valeus: [0.1, 0.2]}'),                                             "did you mean 'values'?"),
    'no end':             ('method: random\nparameters: {lr: {min: 0.1, max: 0.2}}',                       'count= or run_cap (command line: --max-runs)'),
    'too large':          (params('\n'.join(f'p{i}: {{min: 1, max: 10}}' for i in range(7))),              'count= or run_cap (command line: --max-runs)'),
}

@pytest.mark.parametrize('name', BAD)
def test_bad(name):
    text, rule = BAD[name]
    with pytest.raises(SweepError) as e: runs(yaml.safe_load(text))
    assert rule in str(e.value)

@pytest.mark.parametrize('name', [k for k, (_, rule) in BAD.items() if rule.startswith('write ') and '{' in rule])
def test_what_is_proposed_works(name):
    text, rule = BAD[name]
    entry = yaml.safe_load('{' + rule.removeprefix('write ') + '}')
    sweep = yaml.safe_load(text)
    if name == 'none, inner': entry = {'opt': {'parameters': entry}}
    assert runs({**sweep, 'parameters': entry})

def test_keys_of_the_kit():
    wrong = yaml.safe_load('program: train.py\nmethod: grid\nmetric: {name: valid loss}\nparameters: {learning_rate: {values: [1e-1, 1e-2]}, num_epochs: {value: 1}}')
    with pytest.raises(SweepError) as e: prepare(wrong, 'digits')
    assert 'YAML reads 1e-1 as text: write 1.0e-1' in str(e.value) and 'written for' not in str(e.value)
    assert [k for k, *_ in e.value.problems] == ['learning_rate']                  # once, not for each value
    right = {**wrong, 'parameters': {'learning_rate': {'values': [.1, .01]}, 'hidden_layers': {'value': [8]}}}
    assert len(prepare(right, 'digits').runs) == 2

def test_large_grids_are_quick():
    def size(digits): return dict(method='grid', parameters={f'p{i}': {'values': list(range(10))} for i in range(digits)})
    def seconds():
        started = time.perf_counter()
        for digits, cap in ((7, {}), (5, {}), (7, dict(run_cap=5))):
            sweep = size(digits)
            found = [r.config for r in runs({**sweep, **cap}, None if cap else 5)]
            assert found == [{**{f'p{i}': 0 for i in range(digits)}, f'p{digits-1}': k} for k in range(5)]
        return time.perf_counter() - started
    assert min(seconds() for _ in range(3)) < 1                                    # the best of three: a busy machine delays some
    small = size(3)
    assert [r.config for r in runs(small, 321)] == [r.config for r in runs(small)][:321] and len(runs(small)) == 1000

# ---- scripts ------------------------------------------------------------------------------------------------------------
SCORE = '\ndef score(lr, width=8): return 1 - (float(lr) - 0.1)**2 - 1/int(width)\n'
SCRIPTS = {                                              # name -> script, sweep; the best is always lr .1
    'argparse': ('''
        import argparse, sys
        from helper import score
        p = argparse.ArgumentParser()
        p.add_argument('--lr', type=float); p.add_argument('--width', type=int); p.add_argument('--flag', action='store_true')
        a = p.parse_args()
        assert a.flag
        print('{"val_acc": %r}' % score(a.lr, a.width))''',
        dict(command=['${env}', '${interpreter}', '${program}', '${args_no_boolean_flags}'],
             parameters=dict(lr={'values': [.3, .1]}, width={'value': 16}, flag={'value': True}))),
    'wandb': ('''
        import wandb
        from helper import score
        wandb.init(project='toys', config={'lr': 7, 'epochs': 3})
        for epoch in range(wandb.config.epochs):
            wandb.log({'epoch': epoch, 'val_acc': score(wandb.config.lr) + epoch/100})
        wandb.finish()''',
        dict(parameters=dict(lr={'values': [.3, .1]}))),
    'wandb, main guard': ('''
        import wandb
        from helper import score
        def main():
            with wandb.init() as run:
                o = run.config.optimizer
                run.log({'val_acc': score(o['lr'])})
                run.summary['note'] = 'done'
        if __name__ == '__main__': main()''',
        dict(command=['python', '${program}'], parameters=dict(optimizer={'parameters': {'lr': {'values': [.3, .1]}}, }))),
    'hydra': ('''
        import json, sys
        from helper import score
        given = dict(o.split('=', 1) for o in sys.argv[1:] if not o.startswith('+'))
        assert '+gpus=1' in sys.argv
        for step in (10, 20): print(json.dumps({'step': step, 'val_acc': score(given['optim.lr']) - 1/step}))''',
        dict(command=['${env}', '${interpreter}', '${program}', '${args_no_hyphens}', '+gpus=1'], parameters={'optim.lr': {'values': [.3, .1]}})),
    'click': ('''
        import click
        from helper import score
        @click.command()
        @click.option('--lr', type=float)
        @click.option('--shuffle', type=bool)
        def main(lr, shuffle):
            assert shuffle is False
            click.echo('{"val_acc": %r}' % score(lr))
        main()''',
        dict(parameters=dict(lr={'values': [.3, .1]}, shuffle={'value': False}))),
    'json file': ('''
        import json, sys
        from helper import score
        given = json.load(open(sys.argv[1]))
        assert given['layers'] == [8, 8] and given['o'] == {'a': None}
        json.dump({'val_acc': score(given['lr']), 'model': 'a'}, open('metrics.json', 'w'))''',
        dict(command=['${interpreter}', '${program}', '${args_json_file}'],
             parameters=dict(lr={'values': [.3, .1]}, layers={'value': [8, 8]}, o={'parameters': {'a': {'value': None}}}))),
    'csv': ('''
        import sys
        from helper import score
        lr = sys.argv[1].split('=')[1]
        with open('log.csv', 'w') as f:
            print('epoch,train_loss,val_acc', file=f)
            for epoch in (1, 2): print(f'{epoch},0.5,', f'{epoch},,{score(lr)}', sep='\\n', file=f)''',
        dict(parameters=dict(lr={'values': [.3, .1]}))),
    'module': ('''
        import sys
        from .part import shifted
        print('{"val_acc": %r}' % shifted(sys.argv[-1].split('=')[1]))''',
        dict(program='pack.train', command=['python', '-m', '${program}', '${args}'], parameters=dict(lr={'values': [.3, .1]}))),
    'deepsweep.log': ('''
        import json, os, sys                             # writes what deepsweep.log writes; importing it would load more than needed
        from helper import score
        with open(os.environ['DEEPSWEEP_LOG'], 'a') as f:
            for step in (1, 2): print(json.dumps({'metrics': {'val_acc': score(sys.argv[1][5:]) + step/100}, 'step': step}), file=f, flush=True)''',
        dict(parameters=dict(lr={'values': [.3, .1]}))),
}
RESULTS = {'json file': 'metrics.json', 'csv': 'log.csv'}
EPOCHS  = {'wandb': [0, 1, 2], 'wandb, main guard': [0], 'hydra': [10, 20], 'csv': [1, 2], 'deepsweep.log': [1, 2]}

@pytest.mark.parametrize('name', SCRIPTS)
def test_script(name, tmp_path, monkeypatch):
    monkeypatch.setenv('WANDB_SWEEP_ID', 'of-somebody-else'); monkeypatch.setenv('WANDB_RUN_ID', 'of-somebody-else')
    monkeypatch.chdir(tmp_path)
    text, more = SCRIPTS[name]
    folder = tmp_path/'project'
    (folder/'pack').mkdir(parents=True)
    (folder/'helper.py').write_text(SCORE)
    (folder/'pack'/'part.py').write_text('from helper import score\ndef shifted(lr): return score(lr)\n')
    script = folder/('pack/train.py' if name == 'module' else 'train.py')
    script.write_text(textwrap.dedent(text).lstrip())
    sweep  = dict(program='train.py', name='toy', method='grid', metric=dict(name='val_acc', goal='maximize')) | more
    (folder/'sweep.yaml').write_text(yaml.safe_dump(sweep))
    before = sorted(folder.rglob('*'))
    train  = program_function(folder/'sweep.yaml', results=RESULTS.get(name))
    result = run_sweep(sweep, function=train, store='runs.db')
    assert result.config_table()['state'].tolist() == ['finished']*2, result.config_table()['stop reason'].tolist()
    best = result.best_table().iloc[0]
    lr = next(best[o] for o in ('lr', 'optim.lr', 'optimizer.lr') if o in best)
    assert lr == .1 and best['val_acc'] > .8
    assert sorted(result.history_table().query('run == @best["run"]')['epoch']) == EPOCHS.get(name, [1])
    left = {o.name for o in set(folder.rglob('*')) - set(before)} - {RESULTS.get(name), '__pycache__'}
    assert not {o for o in left if not o.endswith('.pyc')} and not (tmp_path/'wandb').exists()
    again = run_sweep(sweep, function=program_function(folder/'sweep.yaml', results=RESULTS.get(name)), store='runs.db')
    assert again.config_table()['attempt'].tolist() == [1, 1]
    (folder/'helper.py').write_text(SCORE + '# edited\n')
    assert train.version != again.code['function']

def test_seeds_and_the_report(tmp_path):
    (tmp_path/'train.py').write_text('import sys, json\nseed = [o for o in sys.argv if o.startswith("--seed=")]\nprint(json.dumps({"acc": float(seed[0][7:]) if seed else -1.0}))\n')
    sweep = dict(program='train.py', method='grid', metric=dict(name='acc', goal='maximize'), parameters=dict(a={'values': [1, 2]}))
    train = program_function(sweep, tmp_path)
    assert run_sweep(sweep, function=train, store=tmp_path/'a.db').history_table()['acc'].tolist() == [-1, -1]
    seeded = run_sweep(sweep, function=train, store=tmp_path/'b.db', seeds=[3, 5])
    assert sorted(seeded.history_table()['acc']) == [3, 3, 5, 5]
    from deepsweep.report import write_report
    assert 'train.py' not in seeded.best_table() and write_report(seeded, tmp_path/'r.html').stat().st_size > 1000

def test_a_missing_package_is_told(tmp_path):
    (tmp_path/'train.py').write_text('import no_such_package_at_all\n')
    sweep  = dict(program='train.py', method='grid', parameters=dict(a={'values': [1]}))
    result = run_sweep(sweep, function=program_function(sweep, tmp_path), store=tmp_path/'a.db')
    assert result.config_table()['stop reason'].tolist() == ["ProgramError: exit code 1: ModuleNotFoundError: No module named 'no_such_package_at_all'"]

@pytest.mark.skipif('DEEPSWEEP_LOG' not in Path(core.__file__).read_text(), reason='log writes into no file yet')
def test_log_of_the_kit(tmp_path):
    (tmp_path/'train.py').write_text('import sys\nfrom deepsweep import log\nprint(\'{"acc": 0}\')\nfor step in (1, 2): log({"acc": step/4, "note": "x"}, step=step)\n')
    sweep  = dict(program='train.py', method='grid', metric=dict(name='acc', goal='maximize'), parameters=dict(a={'values': [1]}))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        result = run_sweep(sweep, function=program_function(sweep, tmp_path), store=tmp_path/'a.db')
    assert result.history_table()['acc'].tolist() == [.25, .5] and result.config_table()['state'].tolist() == ['finished']

def tried(tmp_path, text, values=(1,), metric='acc', **kw):
    "The result of a small sweep of a script, and what was warned of"
    (tmp_path/'train.py').write_text(textwrap.dedent(text).lstrip())
    sweep = dict(program='train.py', method='grid', metric=dict(name=metric, goal='maximize'), parameters=dict(a=dict(values=list(values))))
    train = program_function(sweep, tmp_path, **kw)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        result = run_sweep(sweep, function=train, store=tmp_path/'a.db')
    return result, [str(o.message) for o in caught]

@pytest.mark.parametrize('name', ['shared.jsonl', 'shared.csv'])
def test_a_file_that_all_runs_append_to(name, tmp_path):
    result, _ = tried(tmp_path, f'''
        import json, sys
        a = int(sys.argv[1][4:])
        with open({name!r}, 'a') as f:
            if {name!r}.endswith('csv'):
                if not f.tell(): print('epoch,acc', file=f)
                for epoch in (1, 2): print(f'{{epoch}},{{a/10 + epoch/100}}', file=f)
            else:
                for epoch in (1, 2): print(json.dumps(dict(epoch=epoch, acc=a/10 + epoch/100)), file=f)
        ''', (1, 2, 3), results=name)
    assert result.config_table()['state'].tolist() == ['finished']*3
    found = result.history_table().merge(result.config_table()[['run', 'a']], on='run')
    assert sorted(zip(found['a'], found['epoch'], found['acc'].round(3))) == [(a, e, round(a/10 + e/100, 3)) for a in (1, 2, 3) for e in (1, 2)]

NAN_BY = {                                               # how a script says it -> script
    'json':  "import json\nfor e in range(3): print(json.dumps({'epoch': e, 'loss': float('nan') if e > 1 else 1., 'acc': .5}))",
    'wandb': "import wandb\nwandb.init()\nfor e in range(3): wandb.log({'epoch': e, 'loss': float('nan') if e > 1 else 1., 'acc': .5})",
    'r.csv': "open('r.csv', 'w').write('epoch,loss,acc\\n0,1,.5\\n1,1,.5\\n2,nan,.5\\n')",
    'r.json': "open('r.json', 'w').write('[{\"epoch\": 0, \"loss\": 1, \"acc\": 0.5}, {\"epoch\": 1, \"loss\": 1, \"acc\": 0.5}, {\"epoch\": 2, \"loss\": NaN, \"acc\": 0.5}]')",
}

@pytest.mark.parametrize('name', NAN_BY)
def test_a_nan_is_a_nan_wherever_it_was_written(name, tmp_path):
    result, _ = tried(tmp_path, NAN_BY[name], results=name if name.startswith('r.') else None)
    row = result.config_table().iloc[0]
    assert (row['state'], row['stop reason']) == ('diverged', 'loss is not finite in epoch 2')
    assert len(result.history_table()) == 3 and result.history_table()['loss'].isna().tolist() == [False, False, True]

@pytest.mark.parametrize('name', ['wandb', 'r.csv'])
def test_a_gap_is_no_nan(name, tmp_path):
    text = {'wandb': "import wandb\nwandb.init()\nfor e in range(2): wandb.log({'epoch': e, 'loss': 1.} | ({'acc': .5} if e else {}))",
            'r.csv': "open('r.csv', 'w').write('epoch,loss,acc\\n0,1,\\n1,1,.5\\n')"}[name]
    result, _ = tried(tmp_path, text, results=name if name.startswith('r.') else None)
    assert result.config_table()['state'].tolist() == ['finished'] and result.history_table()['acc'].isna().tolist() == [True, False]

def test_several_runs_of_wandb_in_one_script(tmp_path):
    result, warned = tried(tmp_path, '''
        import wandb
        for fold in (1, 2):
            with wandb.init(reinit=True) as run:
                for epoch in range(4 - fold): run.log({'epoch': epoch, 'acc': fold/10})
        with wandb.init(reinit=True) as run: run.log({'test': 1.})
        ''')
    assert result.history_table()['acc'].tolist() == [.2, .2]
    assert sum("opened 3 runs of W&B; only the last one that logged 'acc' counts" in o for o in warned) == 1

def test_text_beside_numbers(tmp_path):
    result, warned = tried(tmp_path, '''print('{"step": 1, "acc": 0.6}')\nprint('{"step": 2, "acc": 0.7, "note": "hi", "val": {"f1": 0.5}}')\nprint('{"note": "bye", "n": 1}')\n''')
    table = result.history_table()
    assert table['acc'].tolist() == [.6, .7] and table['val.f1'].tolist()[1] == .5 and 'note' not in table
    assert sum('leaves out the rest: note is str' in o for o in warned) == 1

@pytest.mark.skipif(os.name != 'posix', reason='groups of processes')
def test_a_worker_that_a_script_leaves_is_ended(tmp_path):
    result, _ = tried(tmp_path, '''
        import json, subprocess, sys
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        print(json.dumps({'acc': 1, 'pid': child.pid}))
        if '--a=2' in sys.argv: sys.exit(3)
        ''', (1, 2))
    assert result.config_table()['state'].tolist() == ['finished', 'failed']
    for pid in result.history_table()['pid'].astype(int):
        for _ in range(100):
            if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE: break
            time.sleep(.02)
        else: pytest.fail('a worker is left')

@pytest.mark.skipif(os.name != 'posix', reason='Ctrl-C is a signal')
def test_ctrl_c_twice_leaves_nothing(tmp_path):
    "The script and its child ignore SIGTERM; whoever presses Ctrl-C again does not want to wait"
    (tmp_path/'train.py').write_text(textwrap.dedent('''
        import os, signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        open('new', 'w').write(f'{os.getpid()} {child.pid}'); os.replace('new', 'pids')
        time.sleep(60)'''))
    (tmp_path/'call.py').write_text(textwrap.dedent('''
        from deepsweep import program
        program._GRACE = 60.
        program.program_function(dict(program='train.py', method='grid', parameters=dict(a=dict(value=1))))({'a': 1})'''))
    environment = {**os.environ, 'PYTHONPATH': str(Path(core.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, 'call.py'], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not (tmp_path/'pids').exists() and time.monotonic() < until: time.sleep(.05)
    pids = list(map(int, (tmp_path/'pids').read_text().split()))
    process.send_signal(signal.SIGINT); time.sleep(1)
    assert process.poll() is None and all(map(psutil.pid_exists, pids))      # it waits for the script
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0                                             # long before the script's 60 s are over
    for _ in range(100):
        if not any(psutil.pid_exists(o) and psutil.Process(o).status() != psutil.STATUS_ZOMBIE for o in pids): break
        time.sleep(.02)
    else: pytest.fail('a process is left')

@pytest.mark.parametrize('text, reason', [
    ('''print('{"note": "hi", "loss": 1}')''',             "; a line of JSON counts if it holds 'acc' or nothing but numbers"),
    ('import wandb\nwandb.init(mode="disabled").log({"acc": 1})', '; the script uses wandb: is wandb.init given dir= or mode=?'),
    ('import tempfile, wandb\nwandb.init(dir=tempfile.mkdtemp(dir=".")).log({"acc": 1})', 'is wandb.init given dir= or mode=?'),
    ('print("no data")',                                 "lines of JSON on its output; its last words: no data"),
    ('''print('{"acc": 1}')\nraise SystemExit(3)''',      'ProgramError: exit code 3'),
    ('open("r.csv", "w").close()\nraise ValueError("too fast")', 'ProgramError: exit code 1: ValueError: too fast'),
    ('''raise SystemExit('exit code 1')''',               'ProgramError: exit code 1')])
def test_reasons(text, reason, tmp_path):
    result, _ = tried(tmp_path, text, results='r.csv' if 'r.csv' in text else None)
    said = result.config_table()['stop reason'].iloc[0]
    assert said.endswith(reason) and '{' not in said
