"Damaged and foreign things given to the readers of W&B's files, in one table: each is a named error or a report, and nothing is written"
import gzip, io, os, sqlite3, struct, sys, warnings, zlib
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from deepsweep.core import StoreError, SweepError
from deepsweep.space import read_sweep_yaml, write_sweep_yaml
from deepsweep.wandb_files import read_wandb_logs
from wandb_maker import *

ROWS  = [{'epoch': e, 'valid accuracy': e/10} for e in range(5)]
WHOLE = run_records('r', ROWS, dict(variant='A'))
GOOD  = frame(WHOLE)[0]

@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('WANDB_DIR', raising=False)
    for o in ('WANDB_API_KEY', 'WANDB_MODE'): monkeypatch.delenv(o, raising=False)
    monkeypatch.setenv('HOME', str(tmp_path)); monkeypatch.setenv('NETRC', str(tmp_path/'none'))

def file(data, name='run-r.wandb'):
    def make(monkeypatch): Path(name).write_bytes(data); return name
    return make

def png():
    out = io.BytesIO(); Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(out, 'PNG')
    return out.getvalue()

def sqlite(monkeypatch):
    with sqlite3.connect('runs.wandb') as c: c.execute('create table t (a)')
    return 'runs.wandb'

def folder(**files):
    def make(monkeypatch):
        for name, data in files.items(): Path('logs', name).mkdir(parents=True, exist_ok=True); Path('logs', name, f'run-{name}.wandb').write_bytes(data)
        Path('logs').mkdir(exist_ok=True)
        return 'logs'
    return make

def forbidden(name):
    "No permission on one file; a double, for an administrator may read everything"
    def make(monkeypatch):
        read = Path.read_bytes
        def read_bytes(self):
            if self.name == name: raise PermissionError(13, 'Permission denied', str(self))
            return read(self)
        monkeypatch.setattr(Path, 'read_bytes', read_bytes)
        return folder(a=GOOD, r=GOOD)(monkeypatch)
    return make

def closed_folder(monkeypatch):
    folder(a=GOOD)(monkeypatch); Path('logs/shut').mkdir()
    scan = os.scandir
    def scandir(path='.'):
        if str(path).endswith('shut'): raise PermissionError(13, 'Permission denied', str(path))
        return scan(path)
    monkeypatch.setattr(os, 'scandir', scandir)
    return 'logs'

def broken_link(monkeypatch): folder(a=GOOD)(monkeypatch); Path('logs/run-gone.wandb').symlink_to('nowhere.wandb'); return 'logs'
def pipe(monkeypatch): os.mkfifo('run-p.wandb'); return 'run-p.wandb'
def loop(monkeypatch): folder(a=GOOD)(monkeypatch); Path('logs/a/up').symlink_to('..'); return 'logs'

def no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'wandb.proto.wandb_internal_pb2', None)
    return file(GOOD)(monkeypatch)

def flipped(at, data=GOOD):
    out = bytearray(data); out[at] ^= 255
    return bytes(out)

def with_record(raw): return frame([*WHOLE[:1], raw, *WHOLE[1:]])[0]

def castagnoli(data):
    "CRC-32C, the sum of other logs in this format"
    crc = 0xFFFFFFFF
    for b in data:
        crc ^= b
        for _ in range(8): crc = crc >> 1 ^ 0x82F63B78*(crc & 1)
    return crc ^ 0xFFFFFFFF

def other_sum(masked):
    crc = castagnoli(b'\x01' + WHOLE[0])
    if masked: crc = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return HEADER + struct.pack('<IHB', crc, len(WHOLE[0]), 1) + WHOLE[0]

def bad_value():
    r = Record(); r.history.item.add(nested_key=['epoch'], value_json='{"a'); r.history.item.add(nested_key=['_step'], value_json='99')
    return r.SerializeToString()

def clash():
    "One key as a value and as a dict"
    r = Record(); r.config.update.add(key='variant', value_json='{"a": 1}'); r.config.update.add(key='', value_json='1')
    return r.SerializeToString()

def empty_items():
    r = Record(); r.history.item.add(); r.history.item.add(nested_key=['', '']); r.history.step.num = 99
    return r.SerializeToString()

BIG = frame(run_records('r', [{'epoch': e, 'text': 'x'*5000} for e in range(30)]))[0]

ERRORS = {
    'a folder that is not there':      (lambda m: 'nowhere',                       "there is no folder or file 'nowhere'"),
    'a file that is not there':        (lambda m: 'logs/run-1.wandb',              "there is no folder or file 'logs/run-1.wandb'"),
    'a path that is not there':        (lambda m: Path('team/project'),            "there is no folder or file 'team/project'"),
    'a name that is too long':         (lambda m: 'x'*5000,                        'cannot be read: File name too long'),
    'a name with a null byte':         (lambda m: 'a\0b',                          "there is no folder or file 'a\\x00b'"),
    'a project without a login':       (lambda m: 'team/project',                  "a project of W&B needs a login"),
    'nothing here':                    (lambda m: None,                            "no run of W&B below 'wandb'; log a run with WANDB_MODE=offline"),
    'a folder without runs':           (folder(),                                  "there is no run of W&B below 'logs'"),
    'a number':                        (lambda m: 3,                               'a path or a project, got int'),
    'an empty file':                   (file(b''),                                 'run-r.wandb is empty'),
    'a header cut short':              (file(GOOD[:5]),                            "ends inside its header of 7 bytes, got b':W&B\\xe1'"),
    'another header':                  (file(b':W&C' + bytes(100)),                "is no log of W&B: it must start with b':W&B\\xe1\\xbe\\x00', got b':W&C"),
    'another version, nothing known':  (file(HEADER[:6] + b'\x07' + b'?'*90),      "got b':W&B\\xe1\\xbe\\x07'"),
    'a picture':                       (file(png()),                               "got b'\\x89PNG"),
    'a database':                      (sqlite,                                    "got b'SQLite "),
    'a text':                          (file(b'epoch,loss\n0,2.3\n'*9),            "got b'epoch,l'"),
    'a compressed log':                (file(gzip.compress(GOOD)),                 'is no log of W&B'),
    'zeros':                           (file(bytes(50_000)),                       "got b'\\x00\\x00"),
    'a pipe':                          (pipe,                                      'run-p.wandb is no file'),
    'only foreign files':              (folder(a=b'', b=png()),                    'none of 2 files can be read; the first: logs/a/run-a.wandb: is empty'),
    'no package wandb':                (no_package,                                'needs the package wandb, 0.31 or newer'),
}

REPORTS = {                            # what is given: rows that are read, what the report says
    'a header of another version':     (file(HEADER[:6] + b'\x01' + GOOD[7:]),     5, 'at byte 0: the header is damaged'),
    'a header alone':                  (file(HEADER),                              0, 'holds no record'),
    'half a record':                   (file(GOOD[:30]),                           0, 'at byte 7: torn: the file ends inside a record'),
    'a byte of the end missing':       (file(GOOD[:-1]),                           5, 'torn: the file ends inside a record'),
    'zeros at the end':                (file(GOOD + bytes(5000)),                  5, 'torn: the last 5,000 bytes are zeros'),
    'text at the end':                 (file(GOOD + b'bye, and more than a head'), 5, 'corrupt: skipped to byte'),
    'the first byte flipped':          (file(flipped(0)),                          5, 'at byte 0: the header is damaged'),
    'the first record flipped':        (file(flipped(20)),                         0, 'at byte 7: corrupt: skipped to byte'),
    'a block in the middle':           (file(flipped(3*BLOCK + 99, BIG)),         26, 'corrupt: skipped to byte 131,072'),
    'a sum of another kind':           (file(other_sum(False)),                    0, 'corrupt'),
    'a masked sum':                    (file(other_sum(True)),                     0, 'corrupt'),
    'a middle without a beginning':    (file(GOOD + frame([bytes(40_000)])[0][BLOCK:BLOCK + 20]), 5, 'torn'),
    'a record that is no record':      (file(with_record(b'\xff'*40)),             5, 'a record that W&B cannot have written'),
    'text that is no unicode':         (file(with_record(b'\x12\x08\x0a\x06\x12\x01\xff\x82\x01\x00')), 5, 'a record that W&B cannot have written'),
    'a value that is no JSON':         (file(with_record(bad_value())),            6, "a value of 'epoch' is no JSON"),
    'one file of two is foreign':      (folder(a=GOOD, b=png()),                   5, 'logs/b/run-b.wandb: is no log of W&B'),
    'one file of two may not be read': (forbidden('run-r.wandb'),                  5, 'cannot be read: Permission denied'),
    'one folder may not be read':      (closed_folder,                             5, 'logs/shut: cannot be read: Permission denied'),
    'a link to nothing':               (broken_link,                               5, 'cannot be read: No such file'),
    'one run in two files':            (folder(a=GOOD, b=GOOD),                    5, "run 'r' lies in 2 files"),
}

FINE = {                               # odd, but nothing is wrong
    'a record of a later version':     (file(with_record(b'\xfa\x7f\x03abc')),     5),
    'keys without a name':             (file(with_record(empty_items())),          6),
    'a key as a value and as a dict':  (file(with_record(clash())),                5),
    'a link to the folder above':      (loop,                                      5),
}

def before(): return {o: o.read_bytes() for o in Path().rglob('*') if o.is_file() and not o.is_fifo()}

@pytest.mark.parametrize('case', ERRORS)
def test_named_errors(case, monkeypatch):
    make, text = ERRORS[case]
    source, there = make(monkeypatch), before()
    with pytest.raises(StoreError) as e, warnings.catch_warnings(): warnings.simplefilter('error'); read_wandb_logs(source)
    assert text in str(e.value) and '\n' not in str(e.value) and len(str(e.value)) < 500
    assert before() == there

@pytest.mark.parametrize('case', REPORTS)
def test_reports(case, monkeypatch):
    make, rows, text = REPORTS[case]
    source = make(monkeypatch)
    with pytest.warns(UserWarning, match="problems? in W&B's files") as said: config, history = read_wandb_logs(source)
    assert len(history) == rows and len(said) == 1 and text in str(said[0].message)
    assert any(text in str(o) for o in config.attrs['problems']) and history.attrs['problems'] == config.attrs['problems']
    if case != 'a value that is no JSON' and rows == 5: assert history['epoch'].tolist() == list(range(5)) and config['variant'].tolist() == ['A']

@pytest.mark.parametrize('case', FINE)
def test_fine(case, monkeypatch):
    make, rows = FINE[case]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(read_wandb_logs(make(monkeypatch))[1]) == rows

# ---- sweeps as files ----------------------------------------------------------------------------------------------------------
SWEEP = 'method: grid\nparameters:\n  lr: {values: [.1, .2]}\n'
YAML = {
    'no file':        ('none.yaml',                             "there is no file 'none.yaml'"),
    'a folder':       ('.',                                     'cannot be read as text'),
    'no YAML':        ('a: [1\nb: }',                           'the text is no valid YAML'),
    'a tab':          ('a:\n\t- 1\n',                           'the text is no valid YAML'),
    'a text':         ('hello\nworld',                          'must hold a sweep dict or a list of them, got str'),
    'a list':         ('- 1\n- 2\n',                            'a sweep must be a dict'),
    'an object':      ('!!python/object:os.system {}\n',        'is no valid YAML'),
    'two documents':  (SWEEP + '---\n' + SWEEP,                 'is no valid YAML'),
    'no method':      ('parameters:\n  lr: {value: 1}\n',       'method'),
    'an unknown key': (SWEEP + 'paramters: {}\n',               "parameters"),
    '1e-3 is a text': ('method: random\nparameters:\n  lr: {min: 1e-3, max: .1}\n', 'YAML reads 1e-3 as text'),
    'a date':         ('method: grid\nparameters:\n  day: {value: 2026-11-21}\n',   'day'),
    'not a number':   ('method: grid\nparameters:\n  lr: {value: .nan}\n',          'must be finite'),
    'a bad date':     ('method: grid\nparameters:\n  day: {value: 2026-13-41}\n',   'is no valid YAML'),
}

@pytest.mark.parametrize('case', YAML)
def test_sweep_files(case):
    source, text = YAML[case]
    with pytest.raises(SweepError) as e: read_sweep_yaml(source)
    assert text in str(e.value) and '\n' not in str(e.value)
    if '\n' in source:
        Path('s.yaml').write_text(source)
        with pytest.raises(SweepError): read_sweep_yaml('s.yaml')

def test_sweep_files_that_cannot_be_written():
    with pytest.raises(SweepError, match='method'): write_sweep_yaml(dict(parameters={}), 's.yaml')
    assert not Path('s.yaml').exists()
    with pytest.raises(SweepError, match='cannot be written: No such file'): write_sweep_yaml(read_sweep_yaml(SWEEP), 'nowhere/s.yaml')

def test_there_are_enough(): assert len(ERRORS) + len(REPORTS) >= 40
