"What holds for the project as a whole: settings, files, imports, notebooks"
import ast, builtins, dis, importlib, inspect, os, re, subprocess, sys, time
from pathlib import Path
import pytest
from radon.complexity import cc_rank, cc_visit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_check

NOTEBOOKS = [str(o) for o in docs_check.notebooks(ROOT)]
LIBRARY = [o for o in NOTEBOOKS if any('default_exp' in docs_check.directives(c) for c in docs_check.read_nb(ROOT/o) if c['cell_type'] == 'code')]
PAGES = [o for o in NOTEBOOKS if o not in LIBRARY]

def module_of(nb):
    "The module that a library notebook exports to"
    return next(re.search(r'default_exp +(\w+)', docs_check.source(c))[1] for c in docs_check.read_nb(ROOT/nb) if 'default_exp' in docs_check.directives(c))

PLACES = dict(search='76.', tuning='79.', claims='87.', projects='97.')     # folder -> the number behind which its pages stand

def number_of(nb):
    "Two digits, the first its decade; the pages of a folder stand behind those that they need"
    return PLACES.get(Path(nb).parent.name, '') + Path(nb).name.split('_')[0]

ORDER = {module_of(o): number_of(o) for o in LIBRARY}      # module -> its number

def python(code):
    "Output of `code` in a fresh interpreter that sees this checkout"
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=str(ROOT)))
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()

# ---- settings ------------------------------------------------------------------------------------------------------
def test_settings():
    cfg = docs_check.settings(ROOT)
    assert cfg['pip_name'] == 'deepsweep-kit' and cfg['lib_name'] == 'deepsweep'
    assert all(cfg[f'{o}requirements'].strip() for o in ('', 'dev_', 'lab_'))
    assert cfg['python_versions'].split()[0] == cfg['min_python']
    assert {'nbdev>=2.4.14,<3', 'execnb<0.2', 'fastcore<2', 'pytest', 'build'} <= set(cfg['dev_requirements'].split())
    assert not (ROOT/'pyproject.toml').exists()

def test_each_requirement_has_a_reason():
    cfg, log = docs_check.settings(ROOT), (ROOT/'CHANGELOG.md').read_text()
    names = {re.split(r'[<>=\[]', o)[0] for k in cfg if k.endswith('requirements') for o in cfg[k].split()}
    assert not [o for o in names if not re.search(rf'\b{o}\b', log)]

def test_actions_are_pinned():
    for o in (ROOT/'.github/workflows').glob('*.y*ml'):
        for used in re.findall(r'uses: *(.*)', o.read_text()): assert re.fullmatch(r'[\w./-]+@[0-9a-f]{40} +# v\d+\.\d+\.\d+', used), f'{o.name}: {used}'

# ---- files ---------------------------------------------------------------------------------------------------------
def test_no_paths_of_a_machine():
    paths = re.compile(r'(?:^|[^\w.~-])/(?:' + '|'.join(['work', 'root', 'home/[a-z]', 'Users/[A-Za-z]', 'tmp/[a-z0-9]']) + r')[\w/]*/', re.M)
    for o in docs_check.files(ROOT):
        if o.suffix in docs_check.TEXT | {'.ipynb'}: assert not (found := paths.search((ROOT/o).read_text(encoding='utf-8', errors='replace'))), f'{o}: {found[0]}'

def test_links_and_scripts():
    assert os.readlink(ROOT/'nbs/_quarto.yml') == '../_quarto.yml'
    assert os.access(ROOT/'.ci/run', os.X_OK)

def test_readme_has_its_commands():
    lines = (ROOT/'README.md').read_text().splitlines()
    for o in ('pip install . && deepsweep run', "pip install '.[lab]' && jupyter lab nbs/studies/00_first_sweep.ipynb", "pip install -e '.[dev]' && nbdev_test"): assert lines.count(o) == 1, o

# ---- imports -------------------------------------------------------------------------------------------------------
def own_imports(tree):
    "Modules of ours that a parsed module imports, at any depth"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parts = (node.module or '').split('.')
            if node.level == 0 and parts[0] != 'deepsweep': continue
            parts = parts if node.level else parts[1:]
            yield from [parts[0]] if parts and parts[0] else [o.name for o in node.names]
        if isinstance(node, ast.Import): yield from [o.name.split('.')[1] for o in node.names if o.name.startswith('deepsweep.')]

def test_own_imports():
    found = own_imports(ast.parse('from deepsweep.core import a\nfrom .data import b\nfrom . import runs\nimport deepsweep.plots, os\nfrom deepsweep import space\nfrom torch import nn'))
    assert list(found) == ['core', 'data', 'runs', 'plots', 'space']

@pytest.mark.parametrize('module', ORDER)
def test_modules_import_lower_numbers(module):
    for other in own_imports(ast.parse((ROOT/f'deepsweep/{module}.py').read_text())):
        assert ORDER.get(other, '') < ORDER[module], f'{module} ({ORDER[module]}) imports {other} ({ORDER.get(other)})'

@pytest.mark.parametrize('nb', LIBRARY)
def test_page_is_named_like_its_module(nb): assert re.fullmatch(rf'nbs/((search|tuning|claims|projects)/)?\d\d_{module_of(nb)}\.ipynb', nb)

def test_numbers_are_taken_once(): assert len(set(ORDER.values())) == len(ORDER)

def test_every_module_has_a_notebook():
    assert {o.stem for o in (ROOT/'deepsweep').glob('*.py')} - {'__init__', '_modidx'} == set(ORDER)

def private_imports(tree):
    "Private names of our modules that a parsed text imports from them or reads through them"
    ours = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or '').split('.')[0] == 'deepsweep'):
            yield from (o.name for o in node.names if re.match('_(?!_)', o.name))
            if not node.module or node.module == 'deepsweep': ours |= {o.asname or o.name: o.name for o in node.names}
        if isinstance(node, ast.Import): ours |= {o.asname or o.name: o.name for o in node.names if o.name.startswith('deepsweep.')}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match('_(?!_)', node.attr) and ast.unparse(node.value) in ours: yield f'{ast.unparse(node.value)}.{node.attr}'

def test_private_imports():
    text = 'from deepsweep.core import a, _b\nfrom .data import _c, __version__\nfrom . import runs\nimport deepsweep.plots as p\nruns._d, p._e, p.f, other._g'
    assert list(private_imports(ast.parse(text))) == ['_b', '_c', 'runs._d', 'p._e']

@pytest.mark.parametrize('module', ORDER)
def test_no_private_name_crosses_modules(module): assert not [*private_imports(ast.parse((ROOT/f'deepsweep/{module}.py').read_text()))]

@pytest.mark.parametrize('nb', NOTEBOOKS)
def test_no_private_name_crosses_pages(nb):
    texts = [docs_check.source(c) for c in docs_check.read_nb(ROOT/nb) if c['cell_type'] == 'code']
    assert not [name for text in texts if 'deepsweep' in text for name in private_imports(ast.parse(re.sub(r'^( *)[%!].*', r'\1pass', text, flags=re.M)))]

def unknown_names(text, known):
    "Globals that functions in `text` load and that nothing defines"
    def codes(code):
        for o in code.co_consts:
            if inspect.iscode(o): yield o; yield from codes(o)
    for code in codes(compile(text, 'module', 'exec')):
        for o in dis.get_instructions(code):
            if o.opname == 'LOAD_GLOBAL' and o.argval not in known and not hasattr(builtins, o.argval): yield o.argval

def test_unknown_names(): assert [*unknown_names('import a\ndef f(x):\n    return [a, len, x, b, lambda: c]', {'a', 'f'})] == ['b', 'c']

@pytest.mark.parametrize('module', ORDER)
def test_every_name_is_defined(module):
    "A test cell may have imported what the module forgot"
    found = importlib.import_module(f'deepsweep.{module}')
    assert not [*unknown_names(Path(found.__file__).read_text(), vars(found))]

@pytest.mark.parametrize('module', ORDER)
def test_signatures_can_be_shown(module):
    "The site evaluates annotations; a type that the module does not import at its head is written as text"
    found = importlib.import_module(f'deepsweep.{module}')
    for o in filter(callable, (getattr(found, name) for name in found.__all__)): inspect.get_annotations(o, eval_str=True)

# What draws from, seeds or swaps the generators that all code in a process shares
DRAWS = r"""torch\.(manual_seed|seed|initial_seed|get_rng_state|set_rng_state|default_generator|random\.\w+|cuda\.(manual_seed\w*|[gs]et_rng_state\w*|seed\w*))
    torch\.(rand|randn|randint|randperm|rand_like|randn_like|randint_like|bernoulli|multinomial|normal|poisson)
    (np|numpy)\.random\.(?!default_rng|Generator|SeedSequence|RandomState|PCG64|Philox)\w+
    random\.(?!Random\b)\w+
    nn\.init\.(?!zeros_|ones_|constant_|eye_)\w+""".split()

def draws(text):
    "Calls in `text` that touch global generators: by name, and without a generator of their own"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.Call, ast.Attribute)): continue
        name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
        own  = isinstance(node, ast.Call) and any(k.arg == 'generator' for k in node.keywords)
        if isinstance(node, ast.Call) and not own and any(re.fullmatch(o, name) for o in DRAWS): yield name
        if isinstance(node, ast.Attribute) and re.fullmatch(r'torch\.default_generator|np\.random\.mtrand.*', name): yield name
        if isinstance(node, ast.Call) and not own and re.search(r'\.(uniform_|normal_|bernoulli_|random_|exponential_)$', name): yield name

def test_draws():
    text = 'torch.rand(3), torch.rand(3, generator=g), np.random.rand(), np.random.default_rng(0), random.random(), random.Random(0), x.normal_(), torch.manual_seed(1), nn.init.zeros_(w), rng.random()'
    assert sorted(draws(text)) == ['np.random.rand', 'random.random', 'torch.manual_seed', 'torch.rand', 'x.normal_']

@pytest.mark.parametrize('module', set(ORDER) - {'core'})
def test_only_core_touches_the_global_generators(module): assert not [*draws((ROOT/f'deepsweep/{module}.py').read_text())]

@pytest.mark.parametrize('module', ORDER)
def test_no_block_is_hard_to_follow(module):
    blocks = cc_visit((ROOT/f'deepsweep/{module}.py').read_text())
    assert not [(o.name, o.complexity) for o in blocks if cc_rank(o.complexity) in 'EF']

def seconds(code):
    "Least time of five fresh interpreters"
    def once(): start = time.perf_counter(); python(code); return time.perf_counter() - start
    return min(once() for _ in range(5))

def test_import_is_quick(): assert seconds('import deepsweep') - seconds('pass') <= .2

@pytest.mark.parametrize('module', ['core', 'objective', 'keys', 'space'])
def test_loads_neither_torch_nor_pandas(module):
    file, *loaded = python(f'import sys, deepsweep.{module} as o; print(o.__file__, *(k for k in ("torch", "pandas", "numpy", "fastai") if k in sys.modules))').split()
    assert Path(file).parent == ROOT/'deepsweep' and not loaded

# ---- notebooks -----------------------------------------------------------------------------------------------------
def cells(nb, kind): return [c for c in docs_check.read_nb(ROOT/nb) if c['cell_type'] == kind]

@pytest.mark.parametrize('nb', NOTEBOOKS)
def test_ids(nb):
    ids = [c.get('id') for c in docs_check.read_nb(ROOT/nb)]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r'[a-zA-Z0-9_-]{1,64}', o or '') for o in ids)
    assert not [o for o in ids if re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f-]+)?', o)], 'ids that an editor made up: give them names'

@pytest.mark.parametrize('nb', NOTEBOOKS)
def test_no_star_imports(nb): assert not [c['id'] for c in cells(nb, 'code') if re.search(r'^\s*from .* import \*', docs_check.source(c), re.M)]

@pytest.mark.parametrize('nb', NOTEBOOKS)
def test_begins_with_a_title(nb):
    first = docs_check.source(cells(nb, 'markdown')[0])
    assert re.match(r'# .+\n\n> .+', first), first[:80]

@pytest.mark.parametrize('nb', LIBRARY)
def test_library_ends_with_export(nb):
    last = docs_check.source(docs_check.read_nb(ROOT/nb)[-1])
    assert '#| hide' in last and 'nbdev.nbdev_export()' in last

@pytest.mark.parametrize('nb', PAGES)
def test_pages_export_nothing(nb):
    assert not [c['id'] for c in cells(nb, 'code') if docs_check.directives(c).keys() & {'export', 'exports', 'exporti'} or 'nbdev' in docs_check.source(c)]
