"Logs of W&B made by hand: the framing and the records, independent of the reader; and what W&B's own reader says about them"
import json, math, os, struct, subprocess, sys, textwrap, zlib
from pathlib import Path
from wandb.proto.wandb_internal_pb2 import Record
from wandb.util import get_core_path

HEADER, BLOCK = b':W&B\xe1\xbe\x00', 32768

def frame(records, header=HEADER):
    "Write records as a log, cut at the block's edge; returns it and where each record ends"
    out, ends = bytearray(header), []
    for record in records:
        first = True
        while first or record:
            room = BLOCK - len(out)%BLOCK
            if room < 7: out += bytes(room); continue
            piece, record = record[:room-7], record[room-7:]
            body = bytes([[[3, 4], [2, 1]][first][not record]]) + piece
            out += struct.pack('<IH', zlib.crc32(body), len(piece)) + body
            first = False
        ends.append(len(out))
    return bytes(out), ends

def leaves(d, at=()):
    "Paths and JSON texts of a nested dict, as W&B writes a row"
    for k, v in d.items():
        if isinstance(v, dict) and v: yield from leaves(v, (*at, k))
        else: yield (*at, k), json.dumps(v, ensure_ascii=False)

def history_record(row, step, num=0):
    r = Record(num=num)
    for path, text in leaves({**row, '_step': step, '_runtime': step*.5, '_timestamp': 1.7e9 + step}): r.history.item.add(nested_key=path, value_json=text)
    r.history.step.num = step
    return r.SerializeToString()

def copy_record(row, step):
    "The summary that W&B writes beside each row"
    r = Record()
    for path, text in leaves({**row, '_step': step}): r.summary.update.add(nested_key=path, value_json=text)
    return r.SerializeToString()

def run_record(run, config=None, name='', project='p', started=1_700_000_000):
    r = Record(num=1)
    r.run.run_id, r.run.display_name, r.run.project, r.run.start_time.seconds = run, name, project, started
    for k, v in (config or {}).items(): r.run.config.update.add(key=k, value_json=json.dumps(v, ensure_ascii=False))
    return r.SerializeToString()

def summary_record(**values):
    r = Record()
    for k, v in values.items(): r.summary.update.add(key=k, value_json=json.dumps(v))
    return r.SerializeToString()

def exit_record(code=0):
    r = Record(); r.exit.exit_code = code
    return r.SerializeToString()

def put(folder, run, records):
    "A run's folder as W&B names it; returns the file and where its records end"
    place = Path(folder)/f'offline-run-20261121_174404-{run}'
    place.mkdir(parents=True, exist_ok=True)
    data, ends = frame(records)
    (place/f'run-{run}.wandb').write_bytes(data)
    return place/f'run-{run}.wandb', ends

def run_records(run, rows, config=None, code=0, **keys):
    "A whole run: rows as dicts, one per step"
    body = [r for step, row in enumerate(rows) for r in (copy_record(row, step), history_record(row, step))]
    return [run_record(run, config, **keys), *body, *([] if code is None else [exit_record(code)])]

WORDS = ['loss', 'train loss', 'Genauigkeit', '精度', 'a.b', 'ключ', 'with "quotes"', 'tab\t', 'x'*60, '🙂', '_hidden', 'h']

def random_value(rng, deep=2):
    kind = rng.integers(11)
    if kind < 4: return float(rng.normal())
    if kind == 4: return int(rng.integers(-10**6, 10**6))
    if kind == 5: return [math.nan, math.inf, -math.inf][rng.integers(3)]
    if kind == 6: return ''.join(rng.choice(list('aö€🙂"\\\n{[,'), rng.integers(0, 12)))
    if kind == 7: return [bool(rng.integers(2)), None, 2**60, 1e25, 1e-300, 0.][rng.integers(6)]
    if kind == 8: return [random_value(rng, 0) for _ in range(rng.integers(4))]
    if kind == 9 and rng.random() < .1: return 'long'*int(rng.integers(9_000, 30_000))          # more than a block
    return random_dict(rng, deep-1) if deep else 'end'

def random_dict(rng, deep=2):
    "Nested, with unicode; never empty, for W&B drops an empty dict"
    return {str(k): random_value(rng, deep) for k in rng.choice(WORDS, rng.integers(1, 6), replace=False)}

def random_rows(rng):
    "Rows that lack keys here and there"
    keys = random_dict(rng)
    return [{k: random_value(rng) if rng.random() < .3 else float(rng.normal()) for k in keys if rng.random() < .8} or {'loss': 0.} for _ in range(rng.integers(1, 40))]

OFFLINE = dict(WANDB_MODE='offline', WANDB_SILENT='true', WANDB_ERROR_REPORTING='false')

def offline(folder):
    "Environment of a W&B that writes below `folder` only"
    Path(folder).mkdir(parents=True, exist_ok=True)
    return {**os.environ, **OFFLINE, **{f'WANDB_{o}': str(folder) for o in ('DIR', 'CACHE_DIR', 'CONFIG_DIR', 'DATA_DIR', 'ARTIFACT_DIR')}}

def write_by_wandb(folder, code):
    "Run `code` in a process of its own, with `wandb` and lean `settings` at hand"
    head = '''
        import json, math, sys, wandb
        settings = wandb.Settings(console='off', x_disable_stats=True, x_disable_meta=True, disable_git=True, save_code=False, x_save_requirements=False)
    '''
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(head) + textwrap.dedent(code)], env=offline(folder), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

def inspect(file, *flags):
    "Lines of `wandb leet inspect --json`; its program is called directly, for the command line takes a second to start"
    args = [get_core_path(), 'leet', 'inspect', '--no-observability', '--json', *flags, '--run-file', str(file), str(Path(file).parent)]
    return subprocess.run(args, capture_output=True, text=True, timeout=60).stdout

def oracle_rows(file): return [r['history']['item'] for r in map(json.loads, inspect(file).splitlines()) if r['type'] == 'history']
def oracle_summary(file): return json.loads(inspect(file, '--summary'))
