"Whole ways by the command line alone, each command in a process of its own, as a user goes them."
import csv, io, os, subprocess, sys
import numpy as np
from PIL import Image


def command(folder, *args, code=0, **env):
    "Run one command in `folder`; gives stdout and stderr"
    call = [sys.executable, '-c', 'from deepsweep.cli import main; main()', *map(str, args)]
    own  = {k: v for k, v in os.environ.items() if k not in ('DEEPSWEEP_STORE', 'IN_TEST')}
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, env={**own, **env}, timeout=300)
    assert done.returncode == code, (args, done.returncode, done.stdout[-1500:], done.stderr[-1500:])
    return done.stdout, done.stderr


def rows(text): return list(csv.DictReader(io.StringIO(text)))


def stripes(rng, kind, size=12, top=255, dtype=np.uint8):
    "A noisy picture: stripes across, stripes along, or none"
    bar = (np.arange(size) % 4 < 2)*top*.6
    pattern = {'across': bar[:, None], 'along': bar[None], 'plain': np.full((1, 1), top*.3)}[kind]
    return (pattern + rng.random((size, size))*top*.35).astype(dtype)


def folder_of(path, counts, save, seed=0):
    rng = np.random.default_rng(seed)
    for kind, n in counts.items():
        (path/kind).mkdir(parents=True)
        for i in range(n): save(rng, kind, path/kind/f'{i:03}.png')
    return path


def test_unequal_classes_from_a_folder_to_a_report_by_class(tmp_path):
    counts = {'plain': 150, 'across': 24, 'along': 15}
    folder_of(tmp_path/'leaves', counts, lambda rng, kind, file: Image.fromarray(stripes(rng, kind)).save(file))
    told, _ = command(tmp_path, 'data', 'leaves', '--valid', 40)
    assert 'plain' in told and 'along' in told and "class_weight='balanced'" in told and '± 15 points' in told
    (tmp_path/'s.yaml').write_text('''
method: grid
name: leaves
metric: {name: balanced accuracy, goal: maximize}
parameters:
  hidden_layers: {value: [16]}
  learning_rate: {value: 0.02}
  num_epochs: {value: 3}
  class_weight: {values: [null, balanced, {along: 9, across: 6}]}
  sampler: {values: [shuffle, balanced]}
''')
    told, _ = command(tmp_path, 'run', 's.yaml', '--data', 'leaves', '--valid', 40, '--store', 'l.db', '--report', 'l.html', '--metrics', 'macro f1')
    assert '6 finished' in told and 'balanced accuracy' in told
    table = rows(command(tmp_path, 'show', '--csv', '--store', 'l.db')[0])
    scores = [float(r['balanced accuracy']) for r in table]
    assert len(table) == 6 and scores == sorted(scores, reverse=True) and all(r['macro f1'] for r in table)
    assert {r['class_weight'] for r in table} >= {'balanced', ''}
    even = [s for r, s in zip(table, scores) if r['sampler'] == 'balanced' or r['class_weight']]
    bare = [s for r, s in zip(table, scores) if r['sampler'] == 'shuffle' and not r['class_weight']]
    assert max(even) > bare[0] + .1                                   # what the keys are for
    page = (tmp_path/'l.html').read_text(encoding='utf-8')
    assert '<h2>Classes</h2>' in page and 'recall' in page and 'Least often found' in page
    assert all(f'<th scope="row">{kind}</th>' in page for kind in counts)


SCRIPT = '''
import argparse, wandb
parser = argparse.ArgumentParser()
parser.add_argument('--lr', type=float, default=.1)
parser.add_argument('--width', type=int, default=8)
args = parser.parse_args()
run = wandb.init(project='sketches', config=vars(args))
for epoch in range(3):
    wandb.log({'epoch': epoch, 'val_loss': (run.config.lr - .2)**2 + 1/run.config.width + .1/(epoch + 1)})
wandb.finish()
'''


def test_a_wandb_sweep_file_with_its_script_untouched_to_the_best_configuration(tmp_path):
    (tmp_path/'work').mkdir()
    (tmp_path/'work'/'train.py').write_text(SCRIPT)
    (tmp_path/'work'/'sweep.yaml').write_text('''
program: train.py
method: grid
name: sketches
metric: {name: val_loss, goal: minimize}
parameters:
  lr: {values: [0.1, 0.2]}
  width: {values: [4, 16]}
''')
    _, said = command(tmp_path, 'run', 'work/sweep.yaml', '--store', 's.db', '--dry-run', code=2)
    assert 'train.py' in said and '--program' in said and '--function' in said
    told, _ = command(tmp_path, 'run', 'work/sweep.yaml', '--program', '--store', 's.db', '--report', 's.html')
    assert '4 finished' in told and 'val_loss' in told.split('best models')[1]
    table = rows(command(tmp_path, 'show', '--csv', '--store', 's.db')[0])
    assert [(r['lr'], r['width']) for r in table][0] == ('0.2', '16') and abs(float(table[0]['val_loss']) - (1/16 + .1/3)) < 1e-6
    again, _ = command(tmp_path, 'run', 'work/sweep.yaml', '--program', '--store', 's.db', '--dry-run')
    assert '4 of them already finished' in again
    (tmp_path/'work'/'train.py').write_text(SCRIPT.replace('.1/(epoch', '.2/(epoch'))          # an edited script trains anew
    edited, _ = command(tmp_path, 'run', 'work/sweep.yaml', '--program', '--store', 's.db', '--dry-run')
    assert '0 of them already finished' in edited


def save_deep(rng, kind, file):
    size = int(rng.integers(24, 40))                                  # 16 bits, and no two alike in size
    Image.fromarray(stripes(rng, kind, size, 60_000, np.uint16)).save(file)


def test_deep_files_of_many_sizes_to_predictions_in_another_process(tmp_path):
    folder_of(tmp_path/'scans', {'across': 40, 'along': 40}, save_deep)
    new = folder_of(tmp_path/'new', {'across': 6, 'along': 6}, save_deep, seed=1)
    (tmp_path/'s.yaml').write_text('''
method: grid
name: scans
parameters:
  conv_layers: {value: [4]}
  learning_rate: {values: [0.05, 0.1]}
  num_epochs: {value: 6}
  batch_size: {value: 8}
''')
    command(tmp_path, 'run', 's.yaml', '--data', 'scans', '--size', 32, '--store', 'scans.db', '--report', 'r.html', '--save-models', 'weights')
    assert list((tmp_path/'weights').glob('*.safetensors'))
    told, said = command(tmp_path, 'predict', 'scans.db', new/'across', new/'along', '--csv')
    answers = rows(told)
    assert len(answers) == 12 and 'again' not in said                  # the weights that were kept
    truth = [r['file'].replace(os.sep, '/').split('/')[-2] for r in answers]
    assert [r['label'] for r in answers] == truth
    for r in answers: assert abs(float(r['across']) + float(r['along']) - 1) < 1e-5 and float(r['probability']) == max(float(r['across']), float(r['along']))
    (tmp_path/'list.csv').write_text('file\n' + '\n'.join(r['file'] for r in answers) + '\n')
    assert rows(command(tmp_path, 'predict', 'scans.db', 'list.csv', '--csv')[0]) == answers


def test_a_net_of_ones_own_is_known_to_predict_and_test(tmp_path):
    (tmp_path/'mynet.py').write_text('''
from torch import nn
def net(config, data, width=8): return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, len(data.classes)))
def accuracy(labels, logits): return float((logits.argmax(1) == labels).float().mean())
''')
    (tmp_path/'s.yaml').write_text('method: grid\nname: mine\nparameters:\n  width: {values: [8, 16]}\n  num_epochs: {value: 2}\n')
    command(tmp_path, 'run', 's.yaml', '--data', 'digits', '--model', 'mynet:net', '--metrics', 'mynet:accuracy', '--store', 'm.db', '--report', 'm.html', '--fuse', 'no')
    from deepsweep.data import load_data
    Image.fromarray(load_data('digits').x_train[0, 0].numpy()).save(tmp_path/'digit.png')
    told, said = command(tmp_path, 'predict', 'm.db', 'digit.png')
    assert told.startswith('digit.png: ') and 'training run' in said
    told, _ = command(tmp_path, 'test', '--store', 'm.db', '--why', 'It is done.')
    assert 'test accuracy' in told
    told, said = command(tmp_path, 'test', '--store', 'm.db', '--why', 'Once more.')
    assert 'It is done.' in told and 'was opened before' in said
    text = (tmp_path/'mynet.py').read_text().replace('nn.ReLU()', 'nn.Tanh()')
    (tmp_path/'mynet.py').write_text(text)
    _, said = command(tmp_path, 'predict', 'm.db', 'digit.png', code=2)      # edited since: its numbers would be others
    assert 'net' in said


def test_what_a_module_of_ones_own_wrote_is_there_at_the_end(tmp_path):
    (tmp_path/'mine.py').write_text('''
import deepsweep
out = open('train.log', 'w')
sweep = dict(method='grid', name='logged', parameters={'width': {'values': [4, 8]}})
def train(config):
    out.write(f"width {config['width']}\\n")
    deepsweep.log({'valid accuracy': config['width']/10}, step=1)
''')
    command(tmp_path, 'run', 'mine:sweep', '--function', 'mine:train', '--store', 'm.db', '--report', 'm.html')
    assert sorted((tmp_path/'train.log').read_text().split()) == ['4', '8', 'width', 'width']


def test_the_course_is_copied_whole_when_nobody_reads_on(tmp_path):
    from deepsweep.cli import course_pages
    call = f"'{sys.executable}' -u -c 'from deepsweep.cli import main; main()' notebooks g | head -1"
    done = subprocess.run(['bash', '-c', call], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.stdout.startswith('copied: g') and not done.stderr
    assert len(list((tmp_path/'g').iterdir())) == len(course_pages())
