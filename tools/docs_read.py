"Reads the notebooks for the checks of the site."
import json, re, subprocess
from configparser import ConfigParser
from pathlib import Path

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

def directives(cell):
    "The `#| key: value` lines of a cell"
    return {k: v for k, v in re.findall(r'^#\| *([\w-]+):? *(.*)$', source(cell), re.M)}

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

def links(text):
    "Targets of the links and pictures in Markdown, code left out"
    text = re.sub(r'^(```|~~~).*?^\1', '', text, flags=re.M|re.S)
    text = re.sub(r'`[^`\n]*`', '', text)
    found = re.findall(r'\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)', text) + re.findall(r'^\[[^\]]+\]:\s*(\S+)', text, re.M)
    return found + re.findall(r'<(?:a|img)\b[^>]*?\b(?:href|src)="([^"]+)"', text)
