#!/usr/bin/env python3
"""Makes README.md from nbs/index.ipynb; nothing else writes it.

    python tools/readme.py           write it, and the pictures in nbs/images/ that it shows
    python tools/readme.py --check   exit 1 if they are not what the notebook would give
"""
import base64, json, re, sys, textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTE = '<!-- Made from nbs/index.ipynb by tools/readme.py: edit the notebook. -->'

def relink(text):
    "Links relative to nbs/ become relative to the root; code blocks stay as they are"
    parts = re.split(r'(^```.*?^```$|`[^`\n]+`)', text, flags=re.M|re.S)
    link = lambda m: f"{m[1]}{m[2] if re.match(r'[a-z]+:|#|/', m[2]) else (Path('nbs')/m[2]).as_posix()})"
    return ''.join(o if i % 2 else re.sub(r'(\]\()([^)\s]+)\)', link, o) for i, o in enumerate(parts))

def code_parts(cell):
    "Markdown of a code cell and its stored outputs, and its pictures by file name"
    lines = ''.join(cell['source']).splitlines()
    told = dict(re.findall(r'^#\| *([\w-]+):? *(.*)$', '\n'.join(lines), re.M))
    if told.keys() & {'hide', 'default_exp', 'export'} or told.get('include') == 'false': return [], {}
    code = '\n'.join(o for o in lines if not o.startswith('#|')).strip()
    parts, pictures = ([f'```python\n{code}\n```'] if code and told.get('echo') != 'false' else []), {}
    for out in cell.get('outputs', []):
        data = out.get('data') or {}
        text = ''.join(out.get('text') or data.get('text/plain') or '').rstrip()
        if png := data.get('image/png'):
            name = f"readme-{told.get('label', cell['id']).strip()}.png"
            pictures[name] = base64.b64decode(''.join(png))
            parts += [f"![{told.get('fig-alt', '').strip(chr(34))}](nbs/images/{name})", f"*{told.get('fig-cap', '').strip(chr(34))}*"]
        elif 'text/markdown' in data: parts.append(''.join(data['text/markdown']))
        elif text: parts.append(textwrap.indent(text, '    '))
    return parts, pictures

def readme(notebook):
    "The text of README.md and its pictures by file name"
    parts, pictures = [NOTE], {}
    for cell in json.loads(Path(notebook).read_text(encoding='utf-8'))['cells']:
        if cell['cell_type'] == 'markdown': parts.append(relink(''.join(cell['source'])).strip())
        elif cell['cell_type'] == 'code':
            more, drawn = code_parts(cell)
            parts += more; pictures |= drawn
    return '\n\n'.join(parts) + '\n', pictures

def wanted(root):
    "Every file this tool is responsible for, with its bytes"
    text, pictures = readme(root/'nbs/index.ipynb')
    return {root/'README.md': text.encode(), **{root/'nbs/images'/k: v for k, v in pictures.items()}}

def stale(root):
    "Files that differ from what the notebook gives, and pictures that it no longer has"
    want = wanted(root)
    left = [o for o in (root/'nbs/images').glob('readme-*.png') if o not in want]
    return [o for o, data in want.items() if not o.exists() or o.read_bytes() != data], left

def main(args, root=ROOT):
    changed, left = stale(root)
    if args == ['--check']:
        for o in changed + left: print(f'{o.relative_to(root)} is not what nbs/index.ipynb gives: run `python tools/readme.py`')
        return int(bool(changed or left))
    if args: return print(__doc__) or 2
    for o in changed: o.parent.mkdir(exist_ok=True); o.write_bytes(wanted(root)[o])
    for o in left: o.unlink()
    print(f"README.md {'written' if changed or left else 'is up to date'}")
    return 0

if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
