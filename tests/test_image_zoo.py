"""Kinds of image files that people have, written on the spot and read as a set; what the pixels are, Pillow, tifffile or arithmetic says.
Each kind is read twice: as a folder, and file by file as a trained net would. Then wrong ones, folders of other layouts, and a whole study."""
import io, json, struct, warnings, zlib
from dataclasses import dataclass
from pathlib import Path
import numpy as np, pytest
from PIL import Image, features
from deepsweep.checkpoint import load_model, predict, predict_table, save_model
from deepsweep.core import DataError
from deepsweep.data import ImageData, load_data
from deepsweep.folders import image_endings, read_folder, read_items, read_like
from deepsweep.sweep import run_sweep, stored_result, train_final
tifffile = pytest.importorskip('tifffile')

H, W = 7, 5
rng = np.random.default_rng(0)

# ---- writers: (levels, file) -> a file -------------------------------------------------------------------------------
def pil(mode=None, **keys):
    def write(a, file):
        image = Image.fromarray(a)
        (image if mode is None else image.convert(mode)).save(file, **keys)
    return write

def tiff(**keys): return lambda a, file: tifffile.imwrite(file, a, **keys)

def png(kind, bits=16):
    "A PNG by hand: Pillow writes 16 bits of grey only"
    def write(a, file):
        def chunk(name, data): return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
        rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in a)
        head = struct.pack('>IIBBBBB', a.shape[1], a.shape[0], bits, kind, 0, 0, 0)
        file.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
    return write

def pages(a, file): tifffile.imwrite(file, np.stack([a, a[::-1]]), photometric='minisblack')
def turned(a, file):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(a).save(file, exif=exif)
def film(a, file): Image.fromarray(a).save(file, save_all=True, append_images=[Image.fromarray(255 - a)])
def palette(a, file):
    image = Image.fromarray(a % 8).convert('L')
    image = image.point(range(256))
    image.putpalette([v for i in range(8) for v in (30*i, 255 - 30*i, 5*i)])
    image.save(file, transparency=3)
def pgm_16(a, file): file.write_bytes(b'P5 %d %d 65535\n' % a.shape[::-1] + a.astype('>u2').tobytes())

# ---- levels of two classes of four pictures --------------------------------------------------------------------------
def ints(top, *channels, dtype=np.uint8, low=0):
    def draw():
        a = rng.integers(low, top + 1, (8, H, W, *channels)).astype(dtype)
        a[0].flat[0] = top
        return a
    return draw
def shares(top=1., dtype=np.float32):
    def draw():
        a = rng.random((8, H, W)).astype(dtype)*dtype(top)
        a[0].flat[0] = top
        return a
    return draw
def inked(ink):
    "One colour all over, the shape in alpha"
    def draw():
        a = np.full((8, H, W, 4), ink, np.uint8)
        a[..., 3] = rng.integers(0, 256, (8, H, W))
        return a
    return draw

# ---- what must come out: (levels, file) -> uint8 (C, H, W) -----------------------------------------------------------
def as_is(a, file): return a[None] if a.ndim == 2 else a.transpose(2, 0, 1)
def by_pillow(mode):
    def read(a, file):
        with Image.open(file) as image: x = np.asarray(image.convert(mode))
        return x[None] if x.ndim == 2 else x.transpose(2, 0, 1)
    return read
def shifted(n): return lambda a, file: as_is((a.astype(np.int64) >> n).astype(np.uint8), file)
def by_tifffile(n): return lambda a, file: as_is((tifffile.imread(file).reshape(-1, *a.shape)[0].astype(np.int64) >> n).astype(np.uint8), file)
def times_255(a, file): return (a*255).round().astype(np.uint8)[None]
def rounded(a, file): return a.round().astype(np.uint8)[None]
def on(ground):
    "Laid on a ground, in floats"
    def lay(a, file):
        colour, alpha = a[..., :-1].astype(float), a[..., -1:]/255
        return (colour*alpha + ground*(1 - alpha)).round().astype(np.uint8).transpose(2, 0, 1)
    return lay
def deep_on_white(n):
    def lay(a, file):
        colour, alpha = (a[..., :-1] >> n).astype(float), (a[..., -1:] >> 8)/255
        return (colour*alpha + 255*(1 - alpha)).round().astype(np.uint8).transpose(2, 0, 1)
    return lay
def clear_grey(a, file): return np.where(a == 9, 255, a).astype(np.uint8)[None]
def clear_colour(a, file): return np.where((a == a[0, 0]).all(-1), 255, a.transpose(2, 0, 1)).astype(np.uint8)
def clear_palette(a, file):
    i = (a % 8).astype(int)
    x = np.stack([30*i, 255 - 30*i, 5*i])
    return np.where(i == 3, 255, x).astype(np.uint8)

@dataclass
class Kind:
    "One kind of file: its ending, levels, writer, what must come out, how deep it was taken, and how far off it may be"
    end:str
    levels:object
    write:object
    want:object
    bits:object = 8
    ground:str = 'white'
    off:int = 0

G, C, A, LA = ints(255), ints(255, 3), ints(255, 4), ints(255, 2)
U = dict(dtype=np.uint16)
KINDS = {
    # 8 bits and fewer
    'grey png':               Kind('png', G, pil(), as_is),
    'colour png':             Kind('png', C, pil(), as_is),
    'bilevel png':            Kind('png', G, pil('1'), by_pillow('L')),
    'palette png':            Kind('png', C, pil('P'), by_pillow('RGB')),
    'palette of greys':       Kind('png', G, pil('P'), as_is),
    'upper-case ending':      Kind('PNG', G, pil(), as_is),
    'grey jpg':               Kind('jpg', G, pil(), by_pillow('L')),
    'colour jpeg':            Kind('jpeg', C, pil(), by_pillow('RGB')),
    'jfif':                   Kind('jfif', G, pil(format='jpeg'), by_pillow('L')),
    'jpe':                    Kind('jpe', C, pil(format='jpeg'), by_pillow('RGB')),
    'four inks':              Kind('jpg', C, pil('CMYK'), by_pillow('RGB')),
    'turned by exif':         Kind('png', C, turned, lambda a, file: np.rot90(as_is(a, file), -1, (1, 2))),
    'bmp':                    Kind('bmp', C, pil(), as_is),
    'dib':                    Kind('dib', C, pil(), as_is),
    'gif, film':              Kind('gif', G, film, as_is),
    'webp':                   Kind('webp', C, pil(lossless=True), as_is),
    'ppm':                    Kind('ppm', C, pil(), as_is),
    'pgm':                    Kind('pgm', G, pil(), as_is),
    'pbm':                    Kind('pbm', G, pil('1'), by_pillow('L')),
    'pcx':                    Kind('pcx', C, pil(), as_is),
    'sgi':                    Kind('sgi', C, pil(), as_is),
    'tga':                    Kind('tga', C, pil(), as_is),
    'jp2':                    Kind('jp2', C, pil(), by_pillow('RGB')),
    'avif':                   Kind('avif', C, pil(), by_pillow('RGB')),
    '8-bit tiff':             Kind('tif', C, tiff(photometric='rgb'), as_is),
    'tiff of four inks':      Kind('tiff', A, tiff(photometric='separated'), by_pillow('RGB')),
    'tiff of two pages':      Kind('tif', G, pages, as_is),
    # what the ground shows through
    'opaque alpha':           Kind('png', C, pil('RGBA'), as_is),
    'opaque grey alpha':      Kind('png', G, pil('LA'), as_is),
    'colour and alpha':       Kind('png', A, pil(), on(255), off=1),
    'grey and alpha':         Kind('png', LA, pil(), on(255), off=1),
    'ink in alpha':           Kind('png', inked(0), pil(), on(255), off=1),
    'white ink':              Kind('png', inked(255), pil(), on(0), ground='black', off=1),
    'one grey is clear':      Kind('png', G, pil(transparency=9), clear_grey),
    'one colour is clear':    Kind('png', C, lambda a, file: Image.fromarray(a).save(file, transparency=tuple(map(int, a[0, 0]))), clear_colour),
    'a palette entry':        Kind('png', G, palette, clear_palette),
    'a gif entry':            Kind('gif', G, palette, clear_palette),
    'webp with alpha':        Kind('webp', A, pil(lossless=True, exact=True), on(255), off=1),
    'tga with alpha':         Kind('tga', A, pil(), on(255), off=1),
    'tiff with alpha':        Kind('tif', A, tiff(photometric='rgb', extrasamples=['unassalpha']), on(255), off=1),
    # deeper than 8 bits
    '16 bits':                Kind('png', ints(65535, **U), pil(), shifted(8), 16),
    '12 bits in 16':          Kind('png', ints(4095, **U), pil(), shifted(4), 12),
    '10 bits in 16':          Kind('png', ints(1023, **U), pil(), shifted(2), 10),
    '14 bits in 16':          Kind('tif', ints(16383, **U), tiff(), by_tifffile(6), 14),
    '9 bits':                 Kind('png', ints(256, **U), pil(), shifted(2), 10),
    '8 bits in 16':           Kind('png', ints(255, **U), pil(), as_is),
    'a mask in 16':           Kind('png', ints(1, **U), pil(), as_is),
    'big-endian tiff':        Kind('tif', ints(65535, **U), tiff(byteorder='>'), by_tifffile(8), 16),
    'big-endian, 12 bits':    Kind('tif', ints(4095, **U), tiff(byteorder='>'), by_tifffile(4), 12),
    'packed tiff':            Kind('tif', ints(4095, **U), tiff(compression='zlib', predictor=True), by_tifffile(4), 12),
    '16-bit pages':           Kind('tif', ints(4095, **U), pages, by_tifffile(4), 12),
    'signed 16 bits':         Kind('tif', ints(4095, dtype=np.int16), tiff(), by_tifffile(4), 12),
    '8 bits in int32':        Kind('tif', ints(255, dtype=np.int32), pil(), as_is),
    '20 bits in int32':       Kind('tif', ints(2**20 - 1, dtype=np.int32), tiff(), by_tifffile(12), 20),
    '8 bits in uint32':       Kind('tif', ints(255, dtype=np.uint32), tiff(), as_is),
    '16-bit pgm':             Kind('pgm', ints(65535, **U), pgm_16, shifted(8), 16),
    '16-bit jp2':             Kind('jp2', ints(4095, **U), pil(), shifted(4), 12),
    '16 bits a colour':       Kind('tif', ints(65535, 3, **U), tiff(photometric='rgb'), by_tifffile(8), 16),
    '12 bits a colour':       Kind('tif', ints(4095, 3, **U), tiff(photometric='rgb', byteorder='>'), by_tifffile(4), 12),
    '8 bits a colour in 16':  Kind('tif', ints(255, 3, **U), tiff(photometric='rgb', compression='zlib', predictor=True), as_is),
    'deep colour png':        Kind('png', ints(4095, 3, **U), png(2), shifted(4), 12),
    'deep png with alpha':    Kind('png', ints(65535, 4, **U), png(6), deep_on_white(8), 16, off=1),
    'deep grey with alpha':   Kind('png', ints(65535, 2, **U), png(4), deep_on_white(8), 16, off=1),
    'float shares':           Kind('tif', shares(), tiff(), times_255, 'float'),
    'float bytes':            Kind('tif', shares(255), tiff(), rounded),
    'float of 12 bits':       Kind('tif', shares(4095), tiff(), lambda a, file: (a.round().astype(int) >> 4).astype(np.uint8)[None], 12),
}

def folder_of(root, kind, name='zoo'):
    "Eight files of a kind in two classes; (levels, file) each"
    out = []
    for i, a in enumerate(kind.levels()):
        file = root/name/('ab'[i//4])/f'{i}.{kind.end}'
        file.parent.mkdir(parents=True, exist_ok=True)
        kind.write(a, file)
        out.append((a, file))
    return root/name, out

def told(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        return call(), ' '.join(str(o.message) for o in caught)

def test_enough(): assert len(KINDS) >= 30

@pytest.mark.parametrize('name', KINDS)
def test_kind(tmp_path, name):
    "The set, and each file by its reading, have the pixels they should"
    kind = KINDS[name]
    if kind.end == 'avif' and not features.check('avif'): pytest.skip('no avif')
    folder, files = folder_of(tmp_path, kind)
    found, said = told(lambda: read_folder(folder))
    want = np.stack([kind.want(a, file) for a, file in files])
    assert found.x.shape == want.shape and found.x.dtype == np.uint8
    assert np.abs(found.x.astype(int) - want).max() <= kind.off
    assert found.reading == dict(size=None, bits=kind.bits, ground=kind.ground) == json.loads(json.dumps(found.reading))
    assert ('read as' in said) == (kind.bits != 8) and ('laid on black' in said) == (kind.ground == 'black'), said
    for (_, file), x in zip(files, found.x): assert (read_like(file, found.reading, len(x)) == x).all()

@pytest.mark.parametrize('name', ['12 bits in 16', 'white ink', 'float shares', 'deep colour png'])
def test_resized(tmp_path, name):
    "Resized after it was brought to bytes, in training and later"
    folder, files = folder_of(tmp_path, KINDS[name])
    (whole, _), (small, _) = told(lambda: read_folder(folder)), told(lambda: read_folder(folder, (4, 3)))
    for (_, file), x, y in zip(files, whole.x, small.x):
        theirs = np.stack([np.asarray(Image.fromarray(c).resize((3, 4), Image.Resampling.BILINEAR)) for c in x])
        assert (y == theirs).all() and (read_like(file, small.reading, len(y)) == y).all()

def test_one_bright_file(tmp_path):
    "One picture of 12 bits among dark ones: all of them have 12"
    dark, bright = np.full((H, W), 200, np.uint16), np.full((H, W), 4000, np.uint16)
    for i in range(8):
        file = tmp_path/'ab'[i//4]/f'{i}.png'
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(bright if i == 5 else dark + i).save(file)
    found, said = told(lambda: read_folder(tmp_path))
    assert found.reading['bits'] == 12 and found.x[:, 0, 0, 0].tolist() == [12, 12, 12, 12, 12, 250, 12, 12] and '12 bits' in said

def test_bytes_beside_deep_files(tmp_path):
    "8-bit files stay as they are, whatever the deep ones need"
    grey = rng.integers(0, 256, (8, H, W)).astype(np.uint8)
    for i, a in enumerate(grey):
        file = tmp_path/'ab'[i//4]/f'{i}.png'
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(a if i % 2 else a.astype(np.uint16) << 4 | 15).save(file)
    assert (told(lambda: read_folder(tmp_path))[0].x[:, 0] == grey).all()

@pytest.mark.parametrize('kind, said', [
    (Kind('tif', ints(900, dtype=np.int16, low=-1000), tiff(), None), 'add'),
    (Kind('tif', ints(900, dtype=np.int32, low=-1000), tiff(), None), 'pixels must be 0 or more, a/0.tif, a/1.tif, a/2.tif and 5 more go down to -'),
    (Kind('tif', lambda: shares()() - np.float32(.5), tiff(), None), 'pixels must be 0 or more'),
    (Kind('tif', lambda: shares()()*np.float32(np.nan), tiff(), None), 'pixels must be finite numbers'),
    (Kind('tif', ints(90, dtype=np.int8, low=-100), tiff(), None), 'pixels must be 0 or more'),
    (Kind('tif', shares(1e30), tiff(), None), 'floats must be 2**31 or less'),
    (Kind('tif', ints(65535, 3, **U), lambda a, file: tifffile.imwrite(file, a.transpose(2, 0, 1), photometric='rgb', planarconfig='separate'), None), '8 of 8 images cannot be read'),
    (Kind('png', G, lambda a, file: file.write_text('<html>'), None), '8 of 8 images cannot be read'),
    (Kind('jp2', G, lambda a, file: file.write_bytes(b''), None), '8 of 8 images cannot be read'),
], ids='signed signed-32 negative-floats nan signed-8 vast planes html empty'.split())
def test_refused(tmp_path, kind, said):
    folder, _ = folder_of(tmp_path, kind)
    with pytest.raises(DataError) as caught: read_folder(folder)
    assert said in str(caught.value), str(caught.value)

def test_constant_sets_are_told(tmp_path):
    folder, _ = folder_of(tmp_path, Kind('png', lambda: np.broadcast_to(np.arange(8, dtype=np.uint8)[:, None, None], (8, H, W)), pil(), None))
    assert 'one colour all over' in told(lambda: ImageData.from_folder(folder))[1]
    folder, _ = folder_of(tmp_path, KINDS['grey png'], 'more')
    assert 'one colour' not in told(lambda: ImageData.from_folder(folder))[1]

def test_no_documents():
    assert not {'.pdf', '.ps', '.eps', '.mpg', '.mpeg', '.h5', '.ico', '.wmf'} & set(image_endings())

# ---- layouts and tables ----------------------------------------------------------------------------------------------
@pytest.fixture
def split_set(tmp_path):
    "train, val and test above two classes: 12-bit scans, 20 + 6 + 8"
    for part, n in (('train', 20), ('val', 6), ('test', 8)):
        for i in range(n):
            file = tmp_path/'scans'/part/('dark', 'light')[i % 2]/f'{part}{i}.png'
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(2000*(i % 2), 2000*(i % 2) + 2000, (8 + i, 9)).astype(np.uint16)).save(file)
    return tmp_path/'scans'

def test_layout_through_load_data(split_set):
    data, said = told(lambda: load_data(split_set, size=8))
    assert [len(data.x_train), len(data.x_valid), len(data.x_hold), len(data.test)] == [20, 6, 0, 8] and data.reading['bits'] == 12
    data, _ = told(lambda: load_data(split_set, size=8, n_hold=4, n_test=2))
    assert [len(data.x_train), len(data.x_valid), len(data.x_hold), len(data.test)] == [16, 6, 4, 2]
    valid = {str(o) for o in (split_set/'val').glob('*/*')}
    pixels = {read_like(o, data.reading, 1).tobytes() for o in valid}
    assert {o.numpy().tobytes() for o in data.x_valid} == pixels                         # theirs, not ours

def study_of(name): return dict(name=name, method='grid', parameters=dict(hidden_layers={'value': [8]}, num_epochs={'value': 2}, learning_rate={'value': .01}))

def same_answers(model, data, files):
    names, p = predict(model, files)
    pixels = np.stack([read_like(o, model.info['reading'], 1) for o in files])
    assert (p == predict(model, pixels)[1]).all() and set(names) <= set(data.classes)
    table = predict_table(model, files)
    assert table['label'].tolist() == names.tolist() and np.allclose(table[list(data.classes)], p)

def test_a_study_reads_its_files_again(split_set, tmp_path):
    "From files to a sweep, its best model, a checkpoint, the final training, and a table of predictions; from the store alone"
    data, _ = told(lambda: ImageData.from_folder(split_set, 8))
    result = run_sweep(study_of('scans'), data, store=str(tmp_path/'scans.db'), progress=False, device='cpu')
    files = sorted(split_set.glob('test/*/*.png'))
    best = result.best_model()
    same_answers(best, data, files)
    same_answers(load_model(save_model(tmp_path/'kept', best, 'best')), data, files)
    final = train_final(result, seeds=1)
    assert final.data.reading == data.reading
    same_answers(final.model(0), data, files)
    again, _ = told(lambda: stored_result(str(tmp_path/'scans.db'), 'scans'))
    assert again.data.reading == data.reading and again.data.fingerprint == data.fingerprint

def test_a_study_on_a_table(split_set, tmp_path):
    rows = ['image,class,split'] + [f'{o.relative_to(split_set).as_posix().removesuffix(".png")},{o.parent.name},{o.parts[-3]}' for o in sorted(split_set.glob('*/*/*'))]
    (split_set/'labels.csv').write_text('\n'.join(rows))
    data, _ = told(lambda: load_data(str(split_set/'labels.csv'), size=8))
    folders, _ = told(lambda: load_data(split_set, size=8))
    assert {o.numpy().tobytes() for o in data.x_train} == {o.numpy().tobytes() for o in folders.x_train} and len(data.test) == 8
    run_sweep(study_of('table'), data, store=str(tmp_path/'table.db'), progress=False, device='cpu')
    again, _ = told(lambda: stored_result(str(tmp_path/'table.db'), 'table'))
    assert again.data.fingerprint == data.fingerprint
    table = predict_table(again.best_model(), split_set/'labels.csv')
    assert len(table) == 34 and [*table.columns] == ['file', 'label', 'probability', 'dark', 'light']

# ---- pictures that were opened, read or copied before ----------------------------------------------------------------
def loaded(image):
    image.load()
    return image
def from_memory(file): return Image.open(io.BytesIO(file.read_bytes()))
OPENED = dict(path=lambda file: file, opened=Image.open, memory=from_memory, loaded=lambda file: loaded(Image.open(file)))
LOST = dict(copy=lambda file: Image.open(file).copy(), crop=lambda file: Image.open(file).crop((0, 0, W, H)), loaded_memory=lambda file: loaded(from_memory(file)))

@pytest.mark.parametrize('name', ['deep colour png', '12 bits a colour', '8 bits a colour in 16', '12 bits in 16', 'colour png'])
def test_opened_before(tmp_path, name):
    "The same pixels however a picture comes; where the lower half is lost, a warning says so, in training and later"
    kind = KINDS[name]
    folder, files = folder_of(tmp_path, kind)
    found, _ = told(lambda: read_folder(folder))
    reading = found.reading
    for how, opened in OPENED.items():
        for (_, file), x in zip(files, found.x):
            image = opened(file)
            for _ in range(1 if how == 'memory' else 2): assert (read_like(image, reading, len(x)) == x).all(), how
        if how == 'path': continue
        items, said = told(lambda: read_items([(opened(file), 0) for _, file in files]))
        assert (items.x == found.x).all() and items.reading['bits'] == kind.bits and 'PIL keeps' not in said, how
    is_cut = kind.bits == 12 and found.x.shape[1] == 3
    for how, opened in LOST.items():
        x, said = told(lambda: read_like(opened(files[0][1]), reading, len(found.x[0])))
        assert ('PIL keeps the upper byte alone' in said) == is_cut and ((x == found.x[0]).all() or found.x.shape[1] == 3), how
        _, said = told(lambda: read_items([(opened(file), 0) for _, file in files]))
        assert ('none is brighter than 15 of 255' in said) == is_cut, how

def dim_ppm(a, file): file.write_bytes(b'P6 %d %d 65535\n' % a.shape[1::-1] + a.astype('>u2').tobytes())
WARNED = {      # the kind, its warning
    'ppm of 12 in 16':    (Kind('ppm', ints(4095, 3, **U), dim_ppm, None), 'none is brighter than 16 of 255'),
    'premultiplied tiff': (Kind('tif', lambda: np.concatenate([ints(4095, 3, **U)(), np.full((8, H, W, 1), 65535, np.uint16)], 3),
                                tiff(photometric='rgb', extrasamples=['assocalpha']), None), 'PIL keeps the upper byte alone'),
    'a deep mask':        (Kind('png', ints(1, **U), pil(), None), 'masks of 0 and 1 hold values 0 to 1 of 255'),
    'small floats':       (Kind('tif', shares(2.3), tiff(), None), 'floats hold values 0'),
    'pages':              (Kind('tif', G, pages, None), 'of 8 files with several pages, such as a/0.tif, the first page only'),
    'gif film':           (Kind('gif', G, film, None), 'the first page only'),
    'png film':           (Kind('png', G, film, None), 'the first page only'),
}
@pytest.mark.parametrize('name', WARNED)
def test_warned(tmp_path, name):
    folder, _ = folder_of(tmp_path, WARNED[name][0])
    said = told(lambda: read_folder(folder))[1]
    assert said.count(WARNED[name][1]) == 1, said

@pytest.mark.parametrize('top', [1.0000001, 1.01, 1.05])
def test_overshooting_shares(tmp_path, top):
    folder, files = folder_of(tmp_path, Kind('tif', shares(top), tiff(), None))
    found, _ = told(lambda: read_folder(folder))
    assert found.reading['bits'] == 'float' and all((x[0] == (a*255).round().clip(0, 255)).all() for (a, _), x in zip(files, found.x))
    for (_, file), x in zip(files, found.x): assert (read_like(file, found.reading, 1) == x).all()
    bytes_only = dict(size=None, bits=8, ground='white')
    for (_, file), x in zip(files, found.x): assert (read_like(file, bytes_only, 1) == x).all()       # as in a set of both
    with pytest.raises(DataError, match='holds floats in'): read_like(files[0][1], dict(bytes_only, bits=12), 1)

@pytest.mark.parametrize('turn', range(1, 9))
def test_turned_tiff(tmp_path, turn):
    "Bare pixels in a TIFF, which PIL maps into memory, are turned as packed ones are"
    a = G()[0]
    for end, keys in dict(bare={}, packed=dict(compression='zlib')).items():
        tifffile.imwrite(tmp_path/f'{end}.tif', a, extratags=[(274, 'H', 1, turn, True)], **keys)
    reading = dict(size=None, bits=8, ground='white')
    bare, packed = (read_like(tmp_path/f'{o}.tif', reading, 1) for o in ('bare', 'packed'))
    assert (read_like(Image.open(tmp_path/'bare.tif'), reading, 1) == packed).all()
    assert bare.shape[1:] == ((H, W) if turn < 5 else (W, H)) and (bare == packed).all()

def test_ink_that_is_not_seen(tmp_path):
    "White ink beside dark: the blank ones are counted"
    ink = np.concatenate([inked(255)()[:3], inked(0)()[3:]])
    folder, _ = folder_of(tmp_path, Kind('png', lambda: ink, pil(), None))
    found, said = told(lambda: read_folder(folder))
    assert found.reading['ground'] == 'white' and '3 of 8 images with transparency show nothing on white: a/0.png, a/1.png, a/2.png' in said
