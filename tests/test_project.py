"What holds for the project as a whole: settings, files, imports, notebooks"
import ast, os, re, subprocess, sys, time
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_check

NOTEBOOKS = [str(o) for o in docs_check.notebooks(ROOT)]
LIBRARY = [o for o in NOTEBOOKS if any('default_exp' in docs_check.directives(c) for c in docs_check.read_nb(ROOT/o) if c['cell_type'] == 'code')]
PAGES = [o for o in NOTEBOOKS if o not in LIBRARY]

def module_of(nb):
    "The module that a library notebook exports to"
    return next(re.search(r'default_exp +(\w+)', docs_check.source(c))[1] for c in docs_check.read_nb(ROOT/nb) if 'default_exp' in docs_check.directives(c))

ORDER = {module_of(o): Path(o).name.split('_')[0] for o in LIBRARY}      # module -> two digits, the first its decade

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
def test_page_is_named_like_its_module(nb): assert re.fullmatch(rf'nbs/\d\d_{module_of(nb)}\.ipynb', nb)

def test_numbers_are_taken_once(): assert len(set(ORDER.values())) == len(ORDER)

def test_every_module_has_a_notebook():
    assert {o.stem for o in (ROOT/'deepsweep').glob('*.py')} - {'__init__', '_modidx'} == set(ORDER)

def seconds(code):
    "Least time of five fresh interpreters"
    def once(): start = time.perf_counter(); python(code); return time.perf_counter() - start
    return min(once() for _ in range(5))

def test_import_is_quick(): assert seconds('import deepsweep') - seconds('pass') <= .2

@pytest.mark.parametrize('module', ['core', 'space'])
def test_loads_no_torch(module):
    file, torch = python(f'import sys, deepsweep.{module} as o; print(o.__file__, "torch" in sys.modules)').split()
    assert Path(file).parent == ROOT/'deepsweep' and torch == 'False'

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
