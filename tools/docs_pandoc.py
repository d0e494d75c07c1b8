"""What Pandoc makes of the prose: curly quotes in code, figures out of single pictures, tables by their dashes.

Quarto hands the Markdown cells and Markdown outputs of nbdev's processed notebooks to Pandoc's reader `markdown`, with
72 columns and smart typography; so do we. Quarto's own filters, which come after, are left out."""
import json, re
from pathlib import Path
from docs_read import read_nb, source

try: import pypandoc
except ImportError: pypandoc = None

CURLY = re.compile('[\u2018\u2019\u201c\u201d\u2013\u2014\u2026]')
QUOTES = dict(SingleQuote='\u2018{}\u2019', DoubleQuote='\u201c{}\u201d')
UNEVEN = 1.5   # an equal share is no fault where the columns need about the same room

def texts(cells):
    "`(id, Markdown)` of the cells and of the outputs that hold Markdown"
    for c in cells:
        if c['cell_type'] == 'markdown': yield c.get('id'), source(c)
        if 'include: false' in source(c) or 'output: false' in source(c): continue
        for out in c.get('outputs', []):
            if found := (out.get('data') or {}).get('text/markdown'): yield c.get('id'), ''.join(found)

def read(text):
    "Pandoc's document of a text, as Quarto reads it"
    return json.loads(pypandoc.convert_text(text, 'json', format='markdown'))['blocks']

def walk(node):
    "Every element of a document, parents first"
    if isinstance(node, dict) and 't' in node: yield node
    for o in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()): yield from walk(o)

def plain(node):
    "The text of an element, quotes as Pandoc would write them"
    if isinstance(node, list): return ''.join(plain(o) for o in node)
    if not isinstance(node, dict): return ''
    if node['t'] in ('Space', 'SoftBreak'): return ' '
    if node['t'] == 'Str': return node['c']
    if node['t'] in ('Code', 'Math'): return node['c'][1]
    if node['t'] == 'RawInline': return ''
    if node['t'] == 'Quoted': return QUOTES[node['c'][0]['t']].format(plain(node['c'][1]))
    return plain(node.get('c', []))

def smart_code(inlines):
    "What stands between a raw `<code>` and `</code>` and has become typography"
    open_at = None
    for i, o in enumerate(inlines):
        tag = o['c'][1] if isinstance(o, dict) and o['t'] == 'RawInline' else ''
        if re.match(r'<(code|kbd|pre|tt)\b', tag): open_at = i
        elif re.match(r'</(code|kbd|pre|tt)', tag) and open_at is not None:
            if CURLY.search(text := plain(inlines[open_at+1:i])): yield text
            open_at = None

def share(table):
    "`(widths, characters of the longest cell)` by column of a table"
    rows = [*table['c'][3][1], *(row for body in table['c'][4] for row in body[3])]
    cells = [[plain(cell[4]) for cell in row[1]] for row in rows]
    return [o[1].get('c', 0) for o in table['c'][2]], [max(map(len, column)) for column in zip(*cells)]

def faults(blocks):
    "What is wrong in a document"
    for o in walk(blocks):
        if o['t'] in ('Para', 'Plain'):
            for text in smart_code(o['c']):
                yield f'`{text[:50]}`: raw <code> gets curly quotes; write backticks, with blank lines around them inside <details>'
        if o['t'] == 'Figure': yield f'picture `{plain(o["c"][2])[:40]}` alone in its paragraph becomes a figure with its alt text as caption'
        if o['t'] == 'Table':
            widths, need = share(o)
            if len(widths) > 1 and any(widths) and max(widths)-min(widths) < .02 and max(need) > UNEVEN*min(need) and max(need) > 30:
                yield f'table drawn in {len(widths)} equal columns whose cells need {need} characters: set the widths by the dashes, `|:--|:------|`'

def check_pandoc(proc, skip=('404',)):
    "All faults in nbdev's processed notebooks in the folder `proc`"
    proc = Path(proc)
    for path in sorted(o for o in proc.rglob('*.ipynb') if o.stem not in skip):
        parts = list(texts(read_nb(path)))
        marked = '\n\n'.join(f'<!-- cell {i} -->\n\n{text}' for i, (_, text) in enumerate(parts))
        blocks, now, by_cell = read(marked), None, {}
        for block in blocks:
            if block['t'] == 'RawBlock' and (found := re.match(r'<!-- cell (\d+) -->', block['c'][1])): now = int(found[1])
            else: by_cell.setdefault(now, []).append(block)
        for i, own in by_cell.items():
            for fault in faults(own): yield f'nbs/{path.relative_to(proc).as_posix()}#{parts[i][0] if i is not None else "?"}: {fault}'
