"""What nbdev and Quarto would make of a page, told from its notebook alone. Each rule yields faults."""
import ast, re
from urllib.parse import unquote
from docs_read import directives, fenced, links, notebooks, prose, read_nb, settings, source, without_code

COURSE_WIDTH, LIBRARY_WIDTH = 88, 110   # columns of code; text_figures.py asks here, too
MAGIC = re.compile(r'^\s*%(?!config|matplotlib).*$', re.M)   # nbdev's clean_magics takes these away; how figures look is no loss
BADGE = re.compile(r'colab\.research\.google\.com/assets/colab-badge')

def is_library(cells): return any('default_exp' in directives(c) for c in cells if c['cell_type'] == 'code')
def is_hidden(cell): return 'hide' in (told := directives(cell)) or told.get('include') == 'false'

def pages(root):
    "`(path, cells)` of each notebook"
    for o in notebooks(root): yield o, read_nb(root/o)

def parsed(cell):
    "The syntax tree of a code cell without its magics, or None"
    try: return ast.parse(re.sub(r'^\s*[%!].*$', '', source(cell), flags=re.M))
    except SyntaxError: return None

def check_titles(root):
    "The title cell holds a title, a description of one line, and nothing else: nbdev drops the rest"
    for path, cells in pages(root):
        titled = [c for c in cells if c['cell_type'] == 'markdown' and re.search(r'^# \S', source(c), re.M)]
        if not titled: yield f'{path}: has no title (`# …`)'; continue
        before = [c for c in cells[:cells.index(titled[0])] if not is_hidden(c) and 'default_exp' not in directives(c)]
        if before: yield f"{path}#{before[0].get('id')}: stands above the title of the page"
        lines = [o for o in source(titled[0]).splitlines() if o.strip()]
        told, rest = [o for o in lines if o.startswith('> ')], [o for o in lines if not re.match(r'# |> ', o)]
        where = f"{path}#{titled[0].get('id')}"
        if not told: yield f'{where}: page without a description (a line `> …` under the title)'
        if lost := told[1:] + rest:
            yield f'{where}: nbdev drops all but title and description of this cell: `{lost[0][:50]}` … ({len(lost)} lines) needs a cell of its own'

def opened_by(text):
    "The notebooks that Colab opens by the links of a text"
    found = (re.match(r'https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/[^/]+/([^#?]+)', o) for o in links(text))
    return [unquote(o[1]) for o in found if o]

def check_badges(root):
    "A course page without a Colab badge, or a picture alone in its paragraph, which becomes a centred figure"
    for path, cells in pages(root):
        texts = [(c.get('id'), source(c)) for c in cells if c['cell_type'] == 'markdown']
        is_course = path.parts[1] in ('studies', 'solutions')
        if path.parts[1] == 'studies' and not any(BADGE.search(t) for _, t in texts): yield f'{path}: course page without a Colab badge'
        for name, text in texts:
            for part in re.split(r'\n\s*\n', text):
                for opened in opened_by(part) if is_course and BADGE.search(part) else ():
                    if opened != path.as_posix(): yield f'{path}#{name}: the badge opens another page, {opened}'
                if re.fullmatch(r'\s*\[!\[[^\]]+\]\([^)]*\)\]\([^)]*\)\s*', part):
                    yield f'{path}#{name}: badge alone in its paragraph becomes a figure with a caption: put words on its line'

def check_magics(root):
    "Lines that begin with % are taken out of the page"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'code' or is_hidden(c): continue
            for found in MAGIC.findall(source(c)):
                yield f"{path}#{c.get('id')}: nbdev drops the line `{found.strip()[:60]}` from the site: write `!…`"

def check_figure_outputs(root):
    "A labelled figure cell with more than one output becomes subfigures (a), (b)"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'code' or is_hidden(c) or not directives(c).get('label', '').startswith('fig-'): continue
            if (n := len(c.get('outputs', []))) > 1:
                yield f"{path}#{c.get('id')}: labelled figure with {n} outputs becomes {n} subfigures: one output a figure"

def width_limit(cells): return LIBRARY_WIDTH if is_library(cells) else COURSE_WIDTH

def measured(cell):
    "The lines of code whose width counts; in a Markdown cell those between fences. A line with an address cannot be broken"
    text = source(cell) if cell['cell_type'] == 'code' else '\n'.join(fenced(source(cell)))
    return [o for o in text.splitlines() if o.strip() and not o.startswith('#|') and 'https://' not in o]

def wide_lines(cell, limit): return [o for o in measured(cell) if len(o) > limit]

def check_widths(root):
    "Code wider than the column that the site and Jupyter show: one fault a page, which names its cells"
    for path, cells in pages(root):
        limit = width_limit(cells)
        wide = {c.get('id'): lines for c in cells if (lines := wide_lines(c, limit))}
        lengths = [len(o) for lines in wide.values() for o in lines]
        if wide: yield f"{path}: {len(lengths)} lines of code over {limit} columns, the widest {max(lengths)}, in {len(wide)} cells: {' '.join(wide)}"

def named(node): return getattr(node, 'id', getattr(node, 'attr', ''))

def is_fixed(node, fixed):
    "Does an expression have the same text whatever was computed? `fixed`: names of the cell that do"
    return all(isinstance(o, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.operator, ast.expr_context)) or isinstance(o, ast.Name) and o.id in fixed
               for o in ast.walk(node))

def assigned(tree):
    "`(name, value)` of each assignment to a name"
    return [(t.id, o.value) for o in ast.walk(tree) if isinstance(o, ast.Assign) for t in o.targets if isinstance(t, ast.Name)]

def writes_sentence(tree, makers):
    "True if a cell shows Markdown of a text that it computes, at its end or before. `makers`: names of the page that give such Markdown; the cell's are added"
    if not tree: return False
    names = assigned(tree)
    fixed = {o for o, _ in names} - {o for o, value in names if not is_fixed(value, ())}
    def computes(node):
        calls = (o for o in ast.walk(node) if isinstance(o, ast.Call) and named(o.func) in ('Markdown', 'display_markdown'))
        return any(not is_fixed(value, fixed) for o in calls for value in [*o.args, *(k.value for k in o.keywords)])
    makers |= {o.name for o in ast.walk(tree) if isinstance(o, ast.FunctionDef) and computes(o)} | {o for o, value in names if computes(value)}
    inner = {id(p) for o in ast.walk(tree) if isinstance(o, (ast.FunctionDef, ast.ClassDef)) for p in ast.walk(o)}
    shown = [o for o in ast.walk(tree) if isinstance(o, ast.Expr) and id(o) not in inner]
    return any(computes(o) or any(named(p) in makers for p in ast.walk(o)) for o in shown)

def check_sentences(root):
    "Code that writes a sentence is shown above the sentence: folded, or not at all"
    for path, cells in pages(root):
        makers = set()
        for c in cells:
            if c['cell_type'] != 'code' or not writes_sentence(parsed(c), makers) or is_hidden(c): continue
            told = directives(c)
            if told.get('echo') != 'false' and told.get('code-fold') != 'true':
                yield f"{path}#{c.get('id')}: code that writes sentences stands above them: `#| echo: false` or `#| code-fold: true`"

RULER = re.compile(r'\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?\s*')

def ruled_heads(text):
    "Tables whose first row is a ruler as well: it is drawn as dashes"
    lines = without_code(text).splitlines()
    return [a for before, a, b in zip(['', *lines], lines, lines[1:]) if not before.strip() and RULER.fullmatch(a) and RULER.fullmatch(b)]

def written(root):
    "`(name for people, Markdown)` of each page, each Markdown cell and each stored output in Markdown"
    for _, name, text in prose(root): yield name, text
    for path, cells in pages(root):
        for c in cells:
            for out in c.get('outputs', []):
                if text := ''.join((out.get('data') or {}).get('text/markdown', '')): yield f"{path}#{c.get('id')}", text

def check_tables(root):
    "A table whose head is a second ruler draws its dashes as text: an empty head is `| | |`"
    for name, text in written(root):
        for found in ruled_heads(text): yield f'{name}: the head of a table is a ruler, `{found.strip()[:40]}`, drawn as dashes: write `| | |`'

def check_viewer(root):
    "A link to GitHub's notebook viewer where the site has the page"
    cfg = settings(root)
    own = rf"https://github\.com/{cfg.get('user')}/{cfg.get('repo')}/(?:blob|tree)/[^/]+/nbs/([^#?]+\.ipynb)"
    for path, cells in pages(root):
        for c in cells:
            if c['cell_type'] != 'markdown': continue
            for target in links(source(c)):
                if found := re.match(own, target): yield f"{path}#{c.get('id')}: link leaves the site for GitHub's viewer; the site has {found[1]}"

EMPTY = re.compile(r'\b(?:you (?:said|predicted)|your (?:prediction|answer|guess))\b[^.\n|]{0,80}\bnone\b', re.I)

def check_unanswered(root):
    "A stored sentence that quotes an answer nobody gave: the site shows it to every reader"
    for path, cells in pages(root):
        for c in cells:
            for out in c.get('outputs', []):
                text = ''.join((out.get('data') or {}).get('text/markdown', '') or out.get('text', ''))
                if is_hidden(c): continue
                if found := EMPTY.search(re.sub(r'[*_`]', '', text)): yield f"{path}#{c.get('id')}: the page says `{found[0]}` to everyone"

RULES = [check_titles, check_badges, check_magics, check_figure_outputs, check_widths, check_sentences, check_tables, check_viewer, check_unanswered]
