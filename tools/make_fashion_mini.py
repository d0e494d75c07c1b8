"""Build deepsweep/assets/fashion_mini.npz, the data set in the package, from the full Fashion-MNIST.

    python tools/make_fashion_mini.py [FOLDER]

FOLDER holds the four idx .gz files; without it they come from the Debian package `dataset-fashion-mnist` (apt-get download, no root).
6,000 train and 1,000 valid images are drawn from the 60,000 training images, 2,000 test images from the 10,000 test images, the same
number of each class, by a fixed seed. The same numpy and zlib write the same bytes; the pixels and labels are checked in any case.
"""
import gzip, hashlib, subprocess, sys, tempfile
from pathlib import Path
import numpy as np

HERE    = Path(__file__).resolve().parent.parent
OUT     = HERE/'deepsweep/assets/fashion_mini.npz'
PACKAGE = 'dataset-fashion-mnist'
SEED    = 2017                                                # the year of Fashion-MNIST; any number would do
MAX_MB  = 5
FULL    = {   # SHA-256 of pixels (N, 28, 28) and labels (N,) of the full set, as bytes
    'train-images-idx3-ubyte': '2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012',
    'train-labels-idx1-ubyte': '657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7',
    't10k-images-idx3-ubyte':  'c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a',
    't10k-labels-idx1-ubyte':  '3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9'}
MINI    = {   # SHA-256 of what is drawn from it, train then valid then test; `deepsweep.data` holds the same and checks it at each load
    'pixels': 'e511d7380f60f1dba6206a808e7653e639c09ab00ac4d215af6115f588276a98',
    'labels': '65ac6070f1dd250d0eaf31bb0071f05709d9b79eb45cdf32884b7baaba2336f9'}

def sha256(*arrays): return hashlib.sha256(b''.join(a.tobytes() for a in arrays)).hexdigest()

def check(found, expected):
    bad = [k for k in expected if found[k] != expected[k]]
    if bad: sys.exit('wrong checksum of ' + ', '.join(f'{k}: {found[k]}' for k in bad))

def download(folder):
    "The folder with the idx files of the Debian package, unpacked under `folder`"
    subprocess.run(['apt-get', 'download', PACKAGE], cwd=folder, check=True)
    deb, = Path(folder).glob('*.deb')
    subprocess.run(['dpkg-deb', '-x', deb, folder], check=True)
    return Path(folder)/'usr/share/datasets/fashion-mnist'

def read_idx(path):
    raw  = gzip.decompress(path.read_bytes())
    dims = [int.from_bytes(raw[4+4*i:8+4*i], 'big') for i in range(raw[3])]      # byte 3: number of dimensions
    return np.frombuffer(raw, np.uint8, offset=4+4*len(dims)).reshape(dims)

def draw(rng, y, *per_class):
    "For each count in `per_class`, sorted indices of that many images of every class; no image twice"
    parts = [[] for _ in per_class]
    for c in range(10):
        own = rng.permutation(np.flatnonzero(y==c))
        for part, n in zip(parts, per_class): part.append(own[:n]); own = own[n:]
    return [np.sort(np.concatenate(o)) for o in parts]

def build(folder):
    full = {k: read_idx(Path(folder)/f'{k}.gz') for k in FULL}
    check({k: sha256(v) for k,v in full.items()}, FULL)
    x, y, x_test, y_test = full.values()
    rng = np.random.default_rng(SEED)
    train, valid = draw(rng, y, 600, 100)
    test, = draw(rng, y_test, 200)
    return dict(x_train=x[train], y_train=y[train], x_valid=x[valid], y_valid=y[valid], x_test=x_test[test], y_test=y_test[test])

def main():
    with tempfile.TemporaryDirectory() as tmp: parts = build(sys.argv[1] if len(sys.argv)>1 else download(tmp))
    x, y = ([v for k,v in parts.items() if k.startswith(o)] for o in 'xy')
    check(dict(pixels=sha256(*x), labels=sha256(*y)), MINI)
    OUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(OUT, **parts)
    mb = OUT.stat().st_size/1e6
    print(f'{OUT.relative_to(HERE)}: {mb:.2f} MB, {sha256(np.fromfile(OUT, np.uint8))[:12]}')
    if mb > MAX_MB: sys.exit(f'{OUT.name} must stay at or below {MAX_MB} MB, has {mb:.2f}')

if __name__ == '__main__': main()
