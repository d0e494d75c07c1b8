"""Labels as people have them, in arrays and in tables: taken for what they are, warned about, or refused with what to do."""
import json, warnings
from pathlib import Path
import numpy as np, pandas as pd, pytest, torch
from PIL import Image
from deepsweep.core import DataError
from deepsweep.data import ImageData, load_data, load_recipe

rng = np.random.default_rng(0)
X = rng.integers(0, 256, (60, 8, 6)).astype(np.uint8)
Y = np.arange(60) % 3
NAMES = np.array(['ant', 'bee', 'cow'])[Y]

def told(call):
    "What a call gives, or the message of its error, and the warnings meanwhile"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try: out = call()
        except DataError as e: out = str(e)
    return out, ' '.join(str(o.message) for o in caught)

def check(data, wanted, said, warned):
    "The classes are those, or the error says so; so do the warnings, and there is none that was not asked for"
    if isinstance(wanted, str): assert isinstance(data, str) and wanted in data, data
    else: assert data.classes == wanted, data
    assert warned in said and (said == '') == (warned == ''), said

# ---- arrays: labels, classes=, the classes that come out, or a part of the error; a part of the warning ---------------
UNIQUE = 'np.unique(y, return_inverse=True)[1]'
ARRAYS = {
    'from 0':               (Y, None, ('0', '1', '2'), ''),
    'a list':               (Y.tolist(), None, ('0', '1', '2'), ''),
    'a tensor':             (torch.from_numpy(Y), None, ('0', '1', '2'), ''),
    'uint8':                (Y.astype(np.uint8), None, ('0', '1', '2'), ''),
    'a series':             (pd.Series(Y, index=range(5, 65)), None, ('0', '1', '2'), ''),
    'nullable':             (pd.Series(Y, dtype='Int64'), None, ('0', '1', '2'), ''),
    'codes of a category':  (pd.Series(NAMES).astype('category').cat.codes, ['ant', 'bee', 'cow'], ('ant', 'bee', 'cow'), ''),
    'from 1':               (Y + 1, None, ('0', '1', '2', '3'), f'no image is of class 0; number them from 0 with {UNIQUE}'),
    'gaps':                 (np.array([0, 5, 9])[Y], None, tuple('0123456789'), f'no image is of class 1, 2, 3, 4, 6 …; number them from 0 with {UNIQUE}'),
    'gaps, and names':      (np.array([0, 5, 9])[Y], ['a', 'b', 'c'], f'got 5; number the classes from 0, as {UNIQUE}', ''),
    'a name too many':      (Y, ['a', 'b', 'c', 'd', 'e'], ('a', 'b', 'c', 'd', 'e'), 'there is no image of class d, e'),
    'negative':             (np.where(Y > 0, 1, -1), None, f'got -1; number the classes from 0, as {UNIQUE}', ''),
    'words':                (NAMES, None, 'pd.factorize(y, sort=True)', ''),
    'words as objects':     (NAMES.astype(object), None, 'pd.factorize(y, sort=True)', ''),
    'a category':           (pd.Series(NAMES).astype('category'), None, 'pd.factorize(y, sort=True)', ''),
    'whole floats':         (Y.astype(float), None, 'got float64; use y.astype(int)', ''),
    'true floats':          (Y + .5, None, 'got float64; number the classes from 0', ''),
    'with a gap':           (np.r_[Y[:-1].astype(float), np.nan], None, 'leave out or label the images without a label', ''),
    'yes and no':           (Y > 0, None, 'got bool; use y.astype(int)', ''),
    'one-hot':              (np.eye(3, dtype=int)[Y], None, 'for one-hot labels pass y.argmax(1)', ''),
    'one-hot of two':       (np.eye(2, dtype=int)[Y % 2], None, 'for one-hot labels pass y.argmax(1)', ''),
    'one-hot floats':       (np.eye(3, dtype=np.float32)[Y], None, 'for one-hot labels pass y.argmax(1)', ''),
    'one-hot and names':    (np.eye(3, dtype=int)[Y], ['a', 'b', 'c'], 'for one-hot labels pass y.argmax(1)', ''),
    'one-hot, meant so':    (np.eye(3, dtype=int)[Y], [('no', 'yes')]*3, (('no', 'yes'),)*3, ''),
    'two heads':            (np.stack([Y, Y % 2], 1), None, (('0', '1', '2'), ('0', '1')), ''),
    'two heads, one empty': (np.stack([Y, Y*0], 1), None, (('0', '1', '2'), ('0',)), ''),
    'two heads, a gap':     (np.stack([Y, Y % 2*2], 1), None, (('0', '1', '2'), ('0', '1', '2')), 'no image is of class 1'),
    'two heads, no choice': (np.stack([Y*0, Y*0], 1), None, 'two classes or more are needed', ''),
    'one class':            (Y*0, None, "two classes or more are needed, all 60 images are of '0'", ''),
    'one class of three':   (Y*0 + 1, ['a', 'b', 'c'], "all 60 images are of 'b'", ''),
    'one too few':          (Y[:-1], None, 'got 60 images and 59 labels', ''),
    'far too large':        (Y*10**12, None, f'labels up to 2,000,000,000,000 would make 2,000,000,000,001 classes of 60 images; number them from 0 with {UNIQUE}', ''),
    'a head too large':     (np.stack([Y, Y*10**12], 1), None, 'would make 2,000,000,000,001 classes of 60 images', ''),
    'a name twice':         (Y, ['a', 'b', 'a'], "class names must be distinct, got 'a' more than once", ''),
    'a name twice in one head': (np.stack([Y, Y % 2], 1), [['a', 'b', 'c'], ['x', 'x']], "class names must be distinct, got 'x' more than once", ''),
    'three axes':           (Y[:, None, None], None, 'labels must have shape (N,) or (N, heads)', ''),
}

def test_enough(): assert len(ARRAYS) + len(TABLES) >= 20

@pytest.mark.parametrize('name', ARRAYS)
def test_arrays(name):
    y, classes, wanted, warned = ARRAYS[name]
    data, said = told(lambda: ImageData.from_arrays(X, y, classes))
    check(data, wanted, said, warned)

# ---- pictures in arrays ----------------------------------------------------------------------------------------------
PIXELS = {
    'uint16 of bytes':      (X.astype(np.uint16), 'got uint16; all lie in 0 … 255, so use x.astype("uint8")'),
    'int64 of bytes':       (X.astype(int), 'got int64; all lie in 0 … 255, so use x.astype("uint8")'),
    'tensor of int64':      (torch.from_numpy(X).long(), 'so use x.to(torch.uint8)'),
    '12 bits':              (X.astype(np.uint16)*16, 'have 12 bits, so use (x >> 4).astype("uint8")'),
    '16 bits':              (X.astype(np.int32)*257, 'have 16 bits, so use (x >> 8).astype("uint8")'),
    'a mask':               (X > 99, 'got bool; False and True need x.astype("uint8")*255'),
    'shares':               (X/255, 'values in [0, 1] need (x*255).round()'),
    'half shares':          (torch.from_numpy(X/255).half(), 'values in [0, 1] need (x*255).round()'),
    'bfloat16':             (torch.from_numpy(X/255).bfloat16(), 'values in [0, 1] need (x*255).round()'),
    'float bytes':          (X.astype(np.float32), 'so use x.round().astype("uint8")'),
    'normalized':           (X/127.5 - 1, 'undo the normalization'),
    'words':                (X.astype(str), 'must be uint8'),
    'channels last':        (np.repeat(X[..., None], 3, 3), 'use x.transpose(0, 3, 1, 2)'),
    'flat':                 (X.reshape(60, -1), 'got (60, 48)'),
}

@pytest.mark.parametrize('name', PIXELS)
def test_pixels(name):
    x, wanted = PIXELS[name]
    assert wanted in told(lambda: ImageData.from_arrays(x, Y))[0]
    if np.ndim(x) == 3 and 'torch' not in str(type(x)) and x.dtype.kind in 'iub':        # the same of items of a data set
        assert 'pixels must be uint8' in told(lambda: ImageData.from_dataset([(o, int(k)) for o, k in zip(x, Y)]))[0]

@pytest.mark.parametrize('shape, is_odd', [((60, 8, 8, 2), True), ((60, 9, 64, 5), True), ((60, 64, 64, 13), True), ((60, 1, 8, 8), False),
                                           ((60, 3, 8, 2), False), ((60, 13, 64, 64), False), ((60, 8, 8, 8), False)])
def test_small_last_axis(shape, is_odd):
    x = rng.integers(0, 256, shape).astype(np.uint8)
    said = told(lambda: ImageData.from_arrays(x, Y))[1]
    assert (said.count('if the last axis holds the channels, use x.transpose(0, 3, 1, 2)') == 1) == is_odd and bool(said) == is_odd, said

# ---- tables ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope='module')
def heap(tmp_path_factory):
    "Sixty files, 00.png to 59.png"
    folder = tmp_path_factory.mktemp('heap')
    for i, x in enumerate(X): Image.fromarray(x).save(folder/f'{i:02}.png')
    return folder

FILES = [f'{i:02}.png' for i in range(60)]
PARTS = ['train']*40 + ['valid']*8 + ['test']*12
def frame(**columns): return pd.DataFrame(columns)
TABLES = {      # the table, its arguments, classes or error, warning
    'words':                (frame(file=FILES, label=NAMES), {}, ('ant', 'bee', 'cow'), ''),
    'numbers from 1':       (frame(filename=FILES, target=Y + 1), {}, ('1', '2', '3'), ''),
    'numbers with gaps':    (frame(path=FILES, y=np.array([0, 5, 10])[Y]), {}, ('0', '5', '10'), ''),
    'negative numbers':     (frame(image=FILES, category=np.array([-1, 0, 1])[Y]), {}, ('-1', '0', '1'), ''),
    'whole floats':         (frame(file=FILES, label=Y.astype(float)), {}, ('0', '1', '2'), ''),
    'category':             (frame(file=FILES, label=pd.Categorical(NAMES)), {}, ('ant', 'bee', 'cow'), ''),
    'yes and no':           (frame(file=FILES, label=Y > 0), {}, ('False', 'True'), ''),
    'classes called None':  (frame(file=FILES, label=np.array(['None', 'NA', 'n/a'])[Y]), {}, ('NA', 'None', 'n/a'), ''),
    'names without ending': (frame(image_id=[o[:2] for o in FILES], label=NAMES), {}, ('ant', 'bee', 'cow'), ''),
    'id_code, diagnosis':   (frame(id_code=[o[:2] for o in FILES], diagnosis=Y), {}, ('0', '1', '2'), ''),
    'a column of files':    (frame(z=FILES, kind=NAMES), {}, ('ant', 'bee', 'cow'), ''),
    'named columns':        (frame(a=FILES, b=FILES, c=NAMES, d=Y), dict(file='a', label='c'), ('ant', 'bee', 'cow'), ''),
    'heads':                (frame(file=FILES, a=NAMES, b=Y % 2), dict(label=['a', 'b']), (('ant', 'bee', 'cow'), ('0', '1')), ''),
    'one head in a list':   (frame(file=FILES, a=NAMES), dict(label=['a']), (('ant', 'bee', 'cow'),), ''),
    'spaces':               (frame(file=FILES, label=[f' {o} ' for o in NAMES]), {}, ('ant', 'bee', 'cow'), ''),
    'another split column': (frame(file=FILES, label=NAMES, part=PARTS), dict(split='part'), ('ant', 'bee', 'cow'), ''),
    'a set that is no part': (frame(file=FILES, label=NAMES, set=['summer', 'winter']*30), {}, ('ant', 'bee', 'cow'), ''),
    'a file twice':         (frame(file=FILES[:59] + FILES[:1], label=NAMES), {}, ('ant', 'bee', 'cow'), '1 rows name a file again'),
    'test without labels':  (frame(file=FILES, label=[*NAMES[:48], *[None]*12], split=PARTS), {}, ('ant', 'bee', 'cow'), '12 rows of test have no label'),
    'one class':            (frame(file=FILES, label='ant'), {}, "all 60 images are of 'ant'", ''),
    'empty labels':         (frame(file=FILES, label=[None, *NAMES[1:-1], '']), {}, '2 labels are empty: those of 00.png, 59.png', ''),
    'missing files':        (frame(file=['x.png', 'sub/y.png', *FILES[2:]], label=NAMES), {}, '2 of 60 files do not exist: x.png, sub/y.png', ''),
    'no file at all':       (frame(file=[None, *FILES[1:]], label=NAMES), {}, '1 of 60 files do not exist', ''),
    'no label column':      (frame(file=FILES, a=NAMES, b=Y), {}, "which column holds the labels? Name it with label=, or several as a list; there is 'a', 'b'", ''),
    'no file column':       (frame(a=NAMES, b=Y), {}, "none of its columns 'a', 'b' is known to hold file names", ''),
    'unknown columns':      (frame(file=FILES, label=NAMES), dict(label=['lable', 'x']), "no column 'lable', did you mean 'label'?; no column 'x'", ''),
    'a split of its own':   (frame(file=FILES, label=NAMES, split='a'), {}, "column 'split' must say train, valid or test", ''),
    'never trained':        (frame(file=FILES, label=np.where(np.array(PARTS) == 'test', 'dog', NAMES), split=PARTS), {}, 'none of them of dog', ''),
    'parts by another name': (frame(file=FILES, label=NAMES, fold=PARTS), {}, ('ant', 'bee', 'cow'), "column 'fold' says train/valid/test and is not used; if it names parts, give split='fold'"),
    'parts called dev':     (frame(file=FILES, label=NAMES, phase=['train']*40 + ['dev']*20), {}, ('ant', 'bee', 'cow'), "column 'phase' says train/dev and is not used"),
    'parts asked for':      (frame(file=FILES, label=NAMES, fold=PARTS), dict(split='fold'), ('ant', 'bee', 'cow'), ''),
    'a set of some parts':  (frame(file=FILES, label=NAMES, set=['train']*40 + ['holdout']*20), {}, "column 'set' must say train, valid or test in each row, got holdout", ''),
    'no class in test':     (frame(file=FILES, label=['dog', 'dog', *NAMES[2:]], split=PARTS), {}, ('ant', 'bee', 'cow', 'dog'), 'its test part has no image of class dog'),
    'another alphabet':     (frame(**{'file': FILES, 'номер': Y, 'класс': NAMES}), {}, "which column holds the labels? Name it with label=, or several as a list; there is 'номер', 'класс'", ''),
    'one of that alphabet': (frame(**{'file': FILES, 'класс': NAMES}), {}, ('ant', 'bee', 'cow'), ''),
    'columns called alike': (frame(file=FILES, Label=Y, label=NAMES), {}, "the columns 'Label', 'label' are called alike; choose one with label=", ''),
    'one of them chosen':   (frame(file=FILES, Label=Y, label=NAMES), dict(label='label'), ('ant', 'bee', 'cow'), ''),
    'no line of names':     (frame(**{'00.png': FILES[1:], 'ant': NAMES[1:]}), {}, "'00.png' is called like a file; put a line such as file,label above it", ''),
    'no rows':              (frame(file=[], label=[]), {}, 'has no rows', ''),
}

@pytest.mark.parametrize('name', TABLES)
def test_frames(heap, name):
    table, keys, wanted, warned = TABLES[name]
    data, said = told(lambda: ImageData.from_csv(table, heap, **keys))
    check(data, wanted, said, warned)

@pytest.mark.parametrize('end', ['.csv', ';.csv', '.tsv', 'bom.csv'])
@pytest.mark.parametrize('name', TABLES)
def test_files(heap, tmp_path, name, end):
    "The same table as a file of several dialects, and again from its recipe"
    table, keys, wanted, warned = TABLES[name]
    file = tmp_path/f'labels{end}'
    table.to_csv(file, index=False, sep=';' if ';' in end else '\t' if end == '.tsv' else ',', encoding='utf-8-sig' if 'bom' in end else 'utf-8')
    data, said = told(lambda: ImageData.from_csv(file, heap, **keys))
    check(data, wanted, said, warned)
    if isinstance(data, str): return
    again, _ = told(lambda: load_recipe(json.loads(json.dumps(data.recipe))))
    frames, _ = told(lambda: ImageData.from_csv(table, heap, **keys))
    assert again.fingerprint == data.fingerprint == frames.fingerprint and again.recipe == data.recipe

def test_table_beside_its_files(heap, monkeypatch):
    "File names are relative to the table, by whatever name it is called"
    frame(file=[f'{heap.name}/{o}' for o in FILES], label=NAMES).to_csv(heap.parent/'beside.csv', index=False)
    data = load_data(heap.parent/'beside.csv')
    monkeypatch.chdir(heap.parent)
    assert load_data('beside.csv').fingerprint == data.fingerprint
    assert load_data('beside.csv', size=4).shape == (1, 4, 4)
    assert "there is no file 'none.csv'" in told(lambda: load_data('none.csv'))[0]
    assert "'beside.csv' is a table of images" in told(lambda: load_data('beside.csv', source='npm'))[0]

def test_the_split_of_a_table(heap):
    data = ImageData.from_csv(frame(file=FILES, label=NAMES, split=PARTS), heap)
    order = [len(data.x_train), len(data.x_valid), len(data.x_hold), len(data.test)]
    assert order == [40, 8, 0, 12] and (data.x_valid[:, 0].numpy() == X[40:48]).all()
    fewer = ImageData.from_csv(frame(file=FILES, label=NAMES, split=['train']*40 + ['val']*20), heap, n_hold=3)
    assert [len(fewer.x_train), len(fewer.x_valid), len(fewer.x_hold), len(fewer.test)] == [29, 20, 3, 8]      # a fifth of what was left to us

@pytest.mark.parametrize('each', [2, 3, 4])
def test_few_images_a_class(tmp_path, each):
    "Twenty folders of two pictures: each class is trained, whatever the seed"
    for i in range(20*each):
        file = tmp_path/'few'/f'{i//each:02}'/f'{i}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i % 60] ^ np.uint8(i)).save(file)
    for seed in range(4):
        data, _ = told(lambda: ImageData.from_folder(tmp_path/'few', seed=seed, n_hold=each))
        assert len(data.y_train.unique()) == 20 and len(data.test) == 4*each, seed

def test_where_nothing_lacks_nothing_moves():
    "Splits that were possible before are what they were: recorded with the version before"
    wanted = json.loads((Path(__file__).parent/'data'/'splits.json').read_text())
    for key, known in wanted.items():
        seed, n, k, keys = json.loads(key)
        y = np.random.default_rng(seed).integers(0, k, n)
        x = np.random.default_rng(seed + 1).integers(0, 256, (n, 3, 3)).astype(np.uint8)
        data, _ = told(lambda: ImageData.from_arrays(x, y, **keys))
        assert [data.fingerprint[:16], data.hold_fingerprint[:16], data.test.fingerprint[:16]] == known

@pytest.mark.parametrize('read', [ImageData.from_csv, lambda *a: ImageData.from_csv(*a, np.array([4, 5]))])
def test_a_column_twice(heap, read):
    table = pd.DataFrame([[o, c, i] for o, c, i in zip(FILES, NAMES, range(60))], columns=['file', 'label', 'label'])
    assert told(lambda: read(table, heap))[0] == 'table: column label is there more than once; rename or drop it'
    data = read(table.set_axis(['file', 'label', 'n'], axis=1)[['file', 'label']], heap)
    assert data.shape in ((1, 8, 6), (1, 4, 5))

def test_two_files_of_one_name(heap, tmp_path):
    for o in ('a.png', 'a.bmp', 'b.png', 'c.png'): Image.fromarray(X[0]).save(tmp_path/o)
    table = frame(id=['a', 'b', 'c'], label=['x', 'y', 'x'])
    assert told(lambda: ImageData.from_csv(table, tmp_path))[0] == "'a' may be a.bmp or a.png; give names with endings"

def test_far_too_many_classes_of_a_data_set():
    "Refused before any memory is taken"
    items = [(x, int(k)*10**12) for x, k in zip(X, Y)]
    assert 'would make 2,000,000,000,001 classes of 60 images' in told(lambda: ImageData.from_dataset(items))[0]

@pytest.mark.parametrize('name', ['__other', '__pycache__', '__MACOSX'])
def test_what_is_hidden(tmp_path, name):
    "Only what systems leave behind: a class may begin with two underscores"
    for i in range(30):
        file = tmp_path/'set'/['a', 'b', name][i % 3]/f'__{i}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i]).save(file)
    assert ImageData.from_folder(tmp_path/'set').classes == (('__other', 'a', 'b') if name == '__other' else ('a', 'b'))

def test_parts_are_no_classes(tmp_path):
    for i in range(8):
        file = tmp_path/'flat'/('train', 'test')[i % 2]/f'{i}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i]).save(file)
    assert 'holds images directly in test and train, which name parts and no classes; put one folder for each class' in told(lambda: ImageData.from_folder(tmp_path/'flat'))[0]
