"""For nbdev: folds the tests and the imports of a page on the site (`procs` in settings.ini names it).

A test is a code cell that asserts something and shows nothing; it stays on the page, behind a line *Tests*. A cell that
says `#| code-fold` itself is left alone."""
import ast

SHORT = 3   # lines: a cell up to this length takes no more room than the line it would hide behind

def asserts(node):
    "True for an assert, a call of a `test_…` function, or a `with expect_fail(…)`"
    if isinstance(node, ast.Assert): return True
    if not isinstance(node, ast.Call): return False
    name = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
    return name.startswith('test_') or name in ('expect_fail', 'raises')

def kind(text, shows):
    "'Tests', 'Imports' or None for the code of a cell"
    try: tree = ast.parse(text)
    except SyntaxError: return None
    if tree.body and all(isinstance(o, (ast.Import, ast.ImportFrom)) for o in tree.body): return 'Imports'
    if not shows and any(asserts(o) for o in ast.walk(tree)): return 'Tests'

def fold_cell(cell):
    "Put `#| code-fold: true` above a long cell of tests or imports"
    text = cell.get('source')
    if cell.cell_type != 'code' or not text or 'code-fold' in text: return
    code = [o for o in text.splitlines() if o.strip() and not o.startswith('#|')]
    if len(code) <= SHORT: return
    if summary := kind(text, shows=bool(cell.get('outputs'))):
        cell.source = f'#| code-fold: true\n#| code-summary: "{summary}"\n{text}'
