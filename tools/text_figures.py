#!/usr/bin/env python3
"""How easily the code can be read, as figures, a row per page; exit 1 if the project misses one of its limits.

    python tools/text_figures.py                 all pages, the last row is the whole
    python tools/text_figures.py NOTEBOOK …      these only, with the name of each thing that misses a limit

An *exported cell* is one that goes into the package; its lines are those with text, directives left out. A public
name (function, class, method) is *shown* if a cell with a stored output uses it before the next exported cell that
defines a public name, and *tested* if a cell with a check does; cells of private helpers may stand between. To use is
what the syntax tree says: no comment, no import, no text but a whole program for another process. `forward` is used
by calling its net. How wide a line may be, and which lines count, docs_pages.py says.
"""
import ast
import io
import json
import re
import sys
import tokenize
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from docs_pages import LIBRARY_WIDTH, measured, width_limit
from docs_read import source

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 390                     # code lines of a module, "about 350"
CHECK = re.compile(r'test_\w+|raises|expect\w*|ExceptionExpected')     # functions that check something
LIMITS = dict(median=12, p95=25, width_p95=100, shown_tested=90., annotated=98., returns=98., docstring=100.,
              docments=100.)


def is_exported(cell):
    "Does this cell go into the package?"
    return cell['cell_type'] == 'code' and bool(re.search(r'^#\| *exports?\b|^#\| *exporti\b', source(cell), re.M))


def text_lines(text):
    "Lines with text, directives left out"
    return [o for o in text.splitlines() if o.strip() and not o.startswith('#|')]


@cache
def parsed(text):
    "The syntax tree of a cell; magics count as nothing"
    return ast.parse(re.sub(r'^( *)[%!].*', r'\1pass', text, flags=re.M))


NOTHING = ast.Module([], [])


def tree_of(text):
    "The syntax tree of a cell, an empty one where it is no Python"
    try:
        return parsed(text)
    except SyntaxError:
        return NOTHING


def is_public(name):
    return not name.startswith('_')


def patched_class(node):
    "Name of the class that `@patch` adds this function to, else None"
    names = [ast.unparse(o).split('(')[0].split('.')[-1] for o in node.decorator_list]
    if not any(o in ('patch', 'patch_to') for o in names):
        return None
    first = node.args.args[0].annotation if node.args.args else None
    return ast.unparse(first).strip('\'"') if first is not None else 'self'


@dataclass
class Name:
    "A public function, class or method"
    owner: str | None       # class, for a method
    name: str
    node: ast.AST

    @property
    def full(self):
        return f'{self.owner}.{self.name}' if self.owner else self.name

    @property
    def kind(self):
        return 'class' if isinstance(self.node, ast.ClassDef) else 'function'


def statements(body):
    "The statements of a module or a class, also those under `if`, `try`, `with`"
    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ('body', 'orelse', 'finalbody', 'handlers', 'cases'):
                inner = getattr(node, part, [])
                yield from statements(inner if isinstance(inner, list) else [])


@cache
def names_in(text):
    "Public names that a cell defines"
    found = []
    for node in statements(parsed(text).body):
        if isinstance(node, ast.ClassDef):
            if is_public(node.name):
                found.append(Name(None, node.name, node))
                for inner in statements(node.body):
                    if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_public(inner.name):
                        found.append(Name(node.name, inner.name, inner))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_public(node.name):
            owner = patched_class(node)
            if owner is None or is_public(owner):
                found.append(Name(owner, node.name, node))
    return [o for o in found if not any('setter' in ast.unparse(d) for d in getattr(o.node, 'decorator_list', []))]


@cache
def programs(tree):
    "Texts in a syntax tree that are programs themselves: they import something, and then do something"
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 'import ' in node.value:
            inner = tree_of(node.value)
            kinds = {isinstance(o, (ast.Import, ast.ImportFrom)) for o in inner.body}
            if kinds == {True, False}:
                found.append(inner)
    return found


@cache
def used_in(tree):
    "Names, and names after a dot, that code uses"
    names = {o.id for o in ast.walk(tree) if isinstance(o, ast.Name)}
    return names, {o.attr for o in ast.walk(tree) if isinstance(o, ast.Attribute)}


def mentions(tree, names):
    return not names.isdisjoint(used_in(tree)[0])


@cache
def bindings(tree):
    "`(targets, value)` of whatever gives names to values"
    found = []
    for o in ast.walk(tree):
        if isinstance(o, ast.Assign):
            found.append((o.targets, o.value))
        elif isinstance(o, (ast.AnnAssign, ast.NamedExpr)) and o.value is not None:
            found.append(([o.target], o.value))
        elif isinstance(o, (ast.For, ast.comprehension)):
            found.append(([o.target], o.iter))
        elif isinstance(o, ast.FunctionDef):
            found.append(([ast.Name(o.name)], o))
    return found


def nets_of(owner, trees):
    "Names that hold nets of a class, and the class"
    found, size = {owner}, 0
    while size < len(found):        # until nothing new comes
        size = len(found)
        for targets, value in (o for tree in trees for o in bindings(tree)):
            if mentions(value, found):
                found |= {o.id for target in targets for o in ast.walk(target) if isinstance(o, ast.Name)}
    return found


def calls_net(tree, owner, nets):
    "Is one of these nets called, or the class handed to a function that makes one? A call of the class only makes it"
    for o in ast.walk(tree):
        if not isinstance(o, ast.Call) or getattr(o.func, 'id', '') in ('isinstance', 'issubclass'):
            continue
        is_made = isinstance(o.func, ast.Name) and o.func.id == owner
        is_method = isinstance(o.func, ast.Attribute)
        if not is_made and not is_method and mentions(o.func, nets):
            return True
        if any(isinstance(p, ast.Name) and p.id == owner for p in o.args):
            return True
    return False


def words(tree):
    "The texts that code hands on, by themselves or in a list, as the words of a command line"
    lists = [o.args if isinstance(o, ast.Call) else o.elts for o in ast.walk(tree) if isinstance(o, (ast.Call, ast.List, ast.Tuple))]
    return {o.value for items in lists for o in items if isinstance(o, ast.Constant) and isinstance(o.value, str)}


def is_named(name, tree, before=()):
    """Does code use this thing? A method is used after a dot, `forward` by calling its net, made here or `before`,
    a command by its word"""
    if name.name == 'forward' and name.owner is not None and calls_net(tree, name.owner, nets_of(name.owner, [*before, tree])):
        return True
    names, used = used_in(tree)
    if name.owner is None:
        used = used | names
    if any(ast.unparse(o).endswith('.command()') for o in getattr(name.node, 'decorator_list', [])):
        used = used | words(tree)
    return name.name in used or any(is_named(name, o) for o in programs(tree))


def checks(tree):
    "Does a cell check something? An assertion of a bare constant does not"
    for o in ast.walk(tree):
        if isinstance(o, ast.Assert) and not isinstance(o.test, ast.Constant):
            return True
        if isinstance(o, ast.Call) and CHECK.fullmatch(getattr(o.func, 'id', getattr(o.func, 'attr', ''))):
            return True
    return False


def comments_by_line(text):
    "Comment of each line that has one"
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return {}
    return {o.start[0]: o.string.lstrip('# ') for o in tokens if o.type == tokenize.COMMENT}


def parameters(node):
    "Parameters of a function but for self and cls"
    a = node.args
    every = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]
    return [o for i, o in enumerate(every) if not (i == 0 and o.arg in ('self', 'cls'))]


def tells_help(node, aliases=()):
    "Does this type of an option of the command line hold its line of help? `option(kind, help)`, `…(help=…)`, or an alias"
    for o in ast.walk(node):
        if isinstance(o, ast.Name) and o.id in aliases:
            return True
        if isinstance(o, ast.Call):
            given = [k.value for k in o.keywords if k.arg == 'help']
            given += o.args[1:2] if getattr(o.func, 'id', '') == 'option' else []
            if any(not isinstance(h, ast.Constant) or str(h.value or '').strip() for h in given):
                return True
    return False


def help_aliases(cells):
    "Names of a page for types that hold a line of help, such as `_Store`"
    found = set()
    for tree in (tree_of(source(c)) for c in cells if is_exported(c)):
        for targets, value in bindings(tree):
            if isinstance(value, (ast.Call, ast.Subscript)) and tells_help(value, found):
                found |= {o.id for o in targets if isinstance(o, ast.Name)}
    return found


@dataclass
class Page:
    "What was counted on one page"
    path: str
    cells: list = field(default_factory=list)         # lines of each exported cell
    widths: list = field(default_factory=list)        # columns of each line of code
    shown: list = field(default_factory=list)         # (name, shown, tested)
    given: list = field(default_factory=list)         # (parameter, annotated, described)
    returns: list = field(default_factory=list)       # (name, annotated)
    docs: list = field(default_factory=list)          # (name, has a docstring)
    faults: list = field(default_factory=list)
    code: int = 0                                     # code lines of the module
    aliases: set = field(default_factory=set)         # types of options that hold their help
    limit: int = LIBRARY_WIDTH                        # [columns]


def count_contract(page, name, text, cell_id):
    "Annotations, docstring and comments of one public name"
    node, notes = name.node, comments_by_line(text)
    page.docs.append((name.full, bool(ast.get_docstring(node))))
    if not page.docs[-1][1]:
        page.faults.append(f'{cell_id}: {name.full} has no docstring')
    functions = [node] if name.kind == 'function' else [o for o in node.body if getattr(o, 'name', '') == '__init__']
    if name.kind == 'class' and any('dataclass' in ast.unparse(o) for o in node.decorator_list):
        for o in node.body:
            if isinstance(o, ast.AnnAssign) and is_public(o.target.id):
                described = any(notes.get(i) for i in range(o.lineno, o.end_lineno + 1)) or bool(notes.get(o.lineno - 1))
                page.given.append((f'{name.full}.{o.target.id}', True, described))
                if not described:
                    page.faults.append(f'{cell_id}: field {name.full}.{o.target.id} has no comment')
    for function in functions:
        for o in parameters(function):
            described = bool(notes.get(o.end_lineno) or notes.get(o.lineno))
            described = described or o.annotation is not None and tells_help(o.annotation, page.aliases)
            if not described:      # a default over several lines: the comment stands behind its end
                later = [d.end_lineno for d in function.args.defaults + function.args.kw_defaults if d and d.lineno == o.lineno]
                described = any(notes.get(i) for i in later)
            page.given.append((f'{name.full}({o.arg})', o.annotation is not None, described))
            if o.annotation is None:
                page.faults.append(f'{cell_id}: {name.full}({o.arg}) has no type')
            if not described:
                page.faults.append(f'{cell_id}: {name.full}({o.arg}) has no comment')
        if function is node:
            page.returns.append((name.full, node.returns is not None))
            if node.returns is None:
                page.faults.append(f'{cell_id}: {name.full} has no return type')


def count_shown(page, cells, i, names):
    "Which of the names of cell `i` are shown and tested before the next exported cell with public names"
    following = []
    for cell in cells[i + 1:] if names else ():
        if cell['cell_type'] != 'code':
            continue
        if is_exported(cell):
            if names_in(source(cell)):
                break
            continue
        following.append((cell, tree_of(source(cell))))
    before = [tree_of(source(c)) for c in cells[:i] if c['cell_type'] == 'code' and not is_exported(c)]
    trees = [tree for _, tree in following]
    for name in names:
        uses = [(cell, tree) for k, (cell, tree) in enumerate(following) if is_named(name, tree, before + trees[:k])]
        shown = any(cell.get('outputs') for cell, _ in uses)
        tested = any(checks(tree) for _, tree in uses)
        page.shown.append((name.full, shown, tested))
        if not (shown and tested):
            lack = ' and '.join(w for w, has in (('shown', shown), ('tested', tested)) if not has)
            page.faults.append(f"{cells[i].get('id')}: {name.full} is not {lack} before the next")


def code_lines(text):
    "Lines of code of a module: no comments, docstrings, blank lines"
    tree, doc = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                doc |= set(range(first.lineno, first.end_lineno + 1))
    lines = text.splitlines()
    return sum(bool(o.strip()) and not o.strip().startswith('#') and i not in doc for i, o in enumerate(lines, 1))


def count_page(path):
    "All figures of one notebook"
    cells, page = json.loads(path.read_text(encoding='utf-8'))['cells'], Page(path.name)
    page.limit, page.aliases = width_limit(cells), help_aliases(cells)
    exported = []
    for i, cell in enumerate(cells):
        if cell['cell_type'] != 'code':
            continue
        text = source(cell)
        for line in measured(cell):
            page.widths.append(len(line))
            if len(line) > page.limit:
                page.faults.append(f"{cell.get('id')}: a line of {len(line)} columns: {line[:60]}…")
        if not is_exported(cell):
            continue
        exported.append(text)
        page.cells.append(len(text_lines(text)))
        if page.cells[-1] > LIMITS['p95']:
            page.faults.append(f"{cell.get('id')}: {page.cells[-1]} lines in one exported cell")
        names = names_in(text)
        for name in names:
            count_contract(page, name, text, cell.get('id'))
        count_shown(page, cells, i, names)
    page.code = code_lines('\n'.join(exported))
    return page


def quantile(values, q):
    values = sorted(values)
    return values[min(int(q*len(values)), len(values) - 1)] if values else 0


def share(flags):
    flags = list(flags)
    return 100*sum(map(bool, flags))/len(flags) if flags else 100.


def figures(pages):
    "The figures of some pages together"
    def every(name):
        return [o for p in pages for o in getattr(p, name)]

    return dict(cells=len(every('cells')), median=quantile(every('cells'), .5), p95=quantile(every('cells'), .95),
                width_p95=quantile(every('widths'), .95), width_max=max(every('widths'), default=0),
                names=len(every('shown')), shown_tested=share(s and t for _, s, t in every('shown')),
                annotated=share(a for _, a, _ in every('given')), returns=share(r for _, r in every('returns')),
                docstring=share(d for _, d in every('docs')), docments=share(d for _, _, d in every('given')),
                code=sum(p.code for p in pages))


def misses(all_figures, pages):
    "What the project misses, one line each"
    for key, limit in LIMITS.items():
        value, low = all_figures[key], key in ('shown_tested', 'annotated', 'returns', 'docstring', 'docments')
        if (value < limit) if low else (value > limit):
            yield f"{key} is {value:g}, {'at least' if low else 'at most'} {limit:g}"
    for p in pages:
        widest = max(p.widths, default=0)
        if widest > p.limit:
            yield f'{p.path}: a line of {widest} columns, at most {p.limit}'
        if p.code > MODULE_LINES:
            yield f'{p.path}: {p.code} code lines in one module, at most {MODULE_LINES}'


def main(args):
    paths = [Path(o) for o in args] or [o for part in ('nbs', 'nbs/search', 'nbs/tuning', 'nbs/claims', 'nbs/projects', 'nbs/studies') for o in sorted((ROOT/part).glob('*.ipynb'))]
    pages = [count_page(o) for o in paths]
    library = [p for p in pages if p.cells]
    rows = [(p.path, figures([p])) for p in pages] + [('all library pages', figures(library))]
    print(f"{'page':27}" + ''.join(f'{k:>13}' for k in rows[0][1]))
    for name, row in rows:
        print(f'{name[:26]:27}' + ''.join(f'{v:13.4g}' for v in row.values()))
    if args:
        print(*[f'{p.path}#{o}' for p in pages for o in p.faults], sep='\n')
    missed = list(misses(figures(library), pages))
    print(*missed, sep='\n')
    print(f'text figures: {len(missed)} limits missed')
    return int(bool(missed))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
