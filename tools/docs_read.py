"Reads the notebooks for the checks of the site."
import json, os, re, subprocess
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent

def source(cell): return ''.join(cell['source'])

def files(root):
    "Every file that git knows, or would add; without git every file. Paths relative to `root`, links left out"
    run = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=root, capture_output=True, text=True)
    own = run.returncode == 0 and (root/'.git').exists()
    names = run.stdout.splitlines() if own else [str(o.relative_to(root)) for o in root.rglob('*')]
    return sorted(Path(o) for o in names if (root/o).is_file() and not (root/o).is_symlink())

def notebooks(root): return [o for o in files(root) if o.suffix == '.ipynb' and o.parts[0] == 'nbs' and not any(p[0] in '_.' for p in o.parts)]

def read_nb(path):
    nb = json.loads(path.read_text(encoding='utf-8'))
    return nb['cells']

BLOCK = re.compile(r'[>|][-+\d]*')   # YAML: the value stands below, indented

def directives(cell):
    "The `#| key: value` lines of a cell"
    told, key = {}, None
    for line in source(cell).splitlines():
        more = re.match(r'#\|\s{2,}(\S.*)$', line)
        if key and more: told[key] = f'{told[key]} {more[1]}'.strip()
        elif found := re.match(r'#\| *([\w-]+):? *(.*)$', line):
            name, value = found[1], found[2].strip()
            key = name if BLOCK.fullmatch(value) else None
            told[name] = '' if key else value
        else: key = None
    return told

def settings(root):
    cfg = ConfigParser(delimiters=['='])
    cfg.read(root/'settings.ini', encoding='utf-8')
    return cfg['DEFAULT']

def prose(root):
    "`(file, name for people, markdown)` of each page and each Markdown cell"
    for o in files(root):
        if o.suffix in ('.md', '.qmd'): yield o, str(o), (root/o).read_text(encoding='utf-8')
    for o in notebooks(root):
        for c in read_nb(root/o):
            if c['cell_type'] == 'markdown': yield o, f"{o}#{c.get('id', '?')}", source(c)

FENCE = re.compile(r'^[ >]*(?P<mark>`{3,}(?=[^`\n]*\n)|~{3,})[^\n]*\n(?P<code>.*?)(?:^[ >]*(?P=mark)[`~]*[ \t]*$|\Z)', re.M|re.S)   # also in a list or a quotation
SPAN = re.compile(r'(?<!`)(`+)(?!`)(?:(?!\n\s*\n).)*?(?<!`)\1(?!`)', re.S)   # of one paragraph

def fenced(text):
    "The code between the fences of a Markdown text"
    return [o['code'] for o in FENCE.finditer(text)]

def without_code(text): return SPAN.sub('', FENCE.sub('', text))

class _Tags(HTMLParser):
    def __init__(self): super().__init__(); self.found = []
    def handle_starttag(self, tag, attrs): self.found.append((tag, {k: v or '' for k, v in attrs}))

def tags(html):
    "`(name, attributes)` of every tag; what a script writes is none"
    parser = _Tags()
    parser.feed(html)
    return parser.found

def html_links(html):
    "Where the links of a text in HTML lead, and its pictures lie"
    return [o[k] for tag, o in tags(html) for t, k in (('a', 'href'), ('img', 'src')) if tag == t and o.get(k)]

DEFINED = re.compile(r'^ {0,3}\[([^\]^][^\]]*)\]:\s*<?([^\s>]+)', re.M)
INLINE = re.compile(r"""\]\(\s*(?:<([^>\n]+)>|((?:[^()\s<]|\([^()\s]*\))+))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)""")

def links(text):
    "Targets of the links and pictures in Markdown, code left out"
    text = without_code(text)
    return [a or b for a, b in INLINE.findall(text)] + [o for _, o in DEFINED.findall(text)] + html_links(text)

def undefined(text):
    "References of a Markdown text, `[words][name]`, whose name it does not define"
    text = re.sub(r'\$[^$\n]+\$', '', without_code(text))
    known = {name.lower() for name, _ in DEFINED.findall(text)}
    asked = re.findall(r'(?<![\w\])])!?\[([^\[\]\n]+)\]\[([^\[\]\n]*)\]', text)
    return [f'[{words}][{name}]' for words, name in asked if (name or words).lower() not in known]

def places(files):
    "Files and their folders, as paths that a link may name"
    names = {Path(o).as_posix() for o in files}
    return names | {o.as_posix() for name in names for o in Path(name).parents}

def place(page, target):
    "Where a link of a page leads, as a path of the project; the rest of its address is left out"
    return os.path.normpath(Path(page).parent/unquote(re.split('[#?]', target)[0])).replace(os.sep, '/')
