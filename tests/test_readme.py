"""Each claim of README.md has a test that shows it: here, or in the file that CLAIMS names

A claim is quoted as it stands in README; a changed sentence needs its test looked at again.
"""
import ast
import re
import subprocess
import sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT/'README.md').read_text(encoding='utf-8')
PLAIN = re.sub(r'\]\([^)]*\)', ']', README)

# claim -> tests that show it
CLAIMS = {
    'without an account, a GPU or a download': ['test_readme::test_needs_nothing'],
    '9,000 real Fashion-MNIST images come with it': ['test_readme::test_images_of_the_kit'],
    'Python 3.11 or newer': ['test_project::test_settings'],
    'trains a dense network and a convolutional one, two widths and four learning rates each': ['test_readme::test_quick_sweep'],
    'prints the best models, keeps all runs in `deepsweep.db`, and writes `report.html`': ['test_quick::test_first_sign_and_last_lines'],
    'Run it again and it trains nothing': ['test_quick::test_second_time_trains_nothing'],
    'One to three minutes on two cores': ['test_quick::test_time_and_memory'],
    'ends in a project of your own, whose check reads what you ran': ['test_first_notebook::test_solutions_are_right'],
    'A sweep is a dict as in Weights & Biases': ['test_sweep_files::test_public'],
    'only the new runs train': ['test_readme::test_only_new_runs_train'],
    'The same sweep dict runs offline, under a W&B agent': ['test_tracking::test_the_same_dict_by_agent_and_alone'],
    'the result equals training alone': ['test_equal_rows::test_nets', 'test_equal_rows::test_forced_groups'],
    'The test set is sealed': ['test_seal::test_selection_never_sees_the_test_images',
                               'test_seal::test_two_processes_open_two_configurations'],
    'A sweep is checked before it costs anything': ['test_bad_inputs::test_bad_input', 'test_sweep_files::test_bad'],
    'Every claim of the articles behind the course is measured': ['test_claims::test_readme_counts_the_claims'],
    '61 of the 69 of the CIFAR-10 study are': ['test_claims::test_readme_counts_the_claims'],
    '13 of the 13 on MNIST': ['test_claims::test_readme_counts_the_claims'],
    '16 of the 24 on Fashion-MNIST': ['test_claims::test_readme_counts_the_claims'],
    'the 55 claims of the other two articles are written down': ['test_readme::test_all_claims_are_written_down'],
    'A check of an exercise is itself tested': ['test_projects_nets::test_wrong_small_nets'],
    '`deepsweep notebooks course` copies the pages': ['test_first_notebook::test_student_run'],
    'explains every term and short name': ['test_readme::test_all_keys'],
    'every key of a sweep': ['test_readme::test_all_keys'],
}


def _tests_in(file):
    "Names of the tests in a file"
    tree = ast.parse((ROOT/f'tests/{file}.py').read_text(encoding='utf-8'))
    return {o.name for o in tree.body if isinstance(o, ast.FunctionDef)}


@pytest.mark.parametrize('claim', CLAIMS)
def test_claim_stands_and_is_shown(claim):
    assert claim in PLAIN, f'README says no longer: {claim}'
    for test in CLAIMS[claim]:
        file, name = test.split('::')
        assert name in _tests_in(file), f'{test} is gone, which showed: {claim}'


def test_every_promise_is_among_the_claims():
    rows = re.findall(r'^\| (.+?) \| (.+?) \|$', PLAIN[PLAIN.index('## What makes it different'):], re.M)
    promises = [left for left, _ in rows if left != 'promise' and not left.startswith(':')]
    assert len(promises) == 6
    for o in promises:
        assert any(claim in o for claim in CLAIMS), o


def test_images_of_the_kit():
    from deepsweep.data import load_data
    data = load_data('fashion_mini')
    assert len(data.x_train) + len(data.x_valid) + len(data.test) == 9000


def test_quick_sweep():
    from deepsweep.space import expand_grid
    from deepsweep.studies import study
    mlp, cnn = study('quick')
    for part, key in ((mlp, 'hidden_layers'), (cnn, 'conv_layers')):
        values = part['parameters']
        assert len(values[key]['values']) == 2 and len(values['learning_rate']['values']) == 4
    assert 'conv_layers' in expand_grid(cnn)[0] and 'conv_layers' not in expand_grid(mlp)[0]


OFFLINE = '''
import socket
def refused(*args, **kwargs):
    raise AssertionError('somebody asked for the network')
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
from deepsweep.sweep import run_sweep
sweep = dict(name='a', method='grid', parameters=dict(
    learning_rate={'values': [.1, .05]}, hidden_layers={'value': [8]}, num_epochs={'value': 1}))
result = run_sweep(sweep, 'fashion_mini', store='a.db', progress=False)
print(len(result.best_table()), 'runs')
'''


def test_needs_nothing(tmp_path):
    "No network is asked for, and no device but the CPU is there"
    env = dict(PATH='', PYTHONPATH=str(ROOT), HOME=str(tmp_path), CUDA_VISIBLE_DEVICES='', IN_TEST='1')
    ran = subprocess.run([sys.executable, '-c', OFFLINE], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ran.stdout.strip().endswith('2 runs'), ran.stderr[-2000:]


def test_only_new_runs_train(tmp_path):
    from deepsweep.sweep import run_sweep
    def train(rates):
        sweep = dict(name='a', method='grid', parameters=dict(
            learning_rate={'values': rates}, hidden_layers={'value': [4]}, num_epochs={'value': 1}))
        return run_sweep(sweep, 'digits', store=str(tmp_path/'a.db'), progress=False).config_table()
    first = train([.1, .05]).set_index('run')
    again = train([.1, .02]).set_index('run')
    assert len(again) == 2 and len(set(first.index) & set(again.index)) == 1
    assert (again['attempt'] == 1).all()


def test_all_claims_are_written_down():
    from deepsweep.claims import claims_table
    others = [len(claims_table(article)) for article in ('000', '001')]
    assert sum(others) == 55


def test_all_keys():
    import json
    from deepsweep.keys import KEYS
    page = (ROOT/'nbs/all_keys.ipynb').read_text(encoding='utf-8')
    shown = ''.join(''.join(o['data'].get('text/markdown', '')) for c in json.loads(page)['cells']
                    for o in c.get('outputs', []) if 'data' in o)
    assert not [k for k in KEYS if f'`{k}`' not in shown]
