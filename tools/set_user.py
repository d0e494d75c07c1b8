#!/usr/bin/env python3
"""Makes this copy of the course yours: one name in settings.ini, and every badge and link that follows from it.

    python tools/set_user.py NAME    your GitHub account or organisation, the NAME in github.com/NAME/deepsweep
"""
import re, sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
import docs_check

ACCOUNT = re.compile(r'[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}')      # GitHub's rule

def relink(text, old, new, repo):
    "`text` with every address of the repository and of its site under another account"
    text = re.sub(rf'((?:github\.com|raw\.githubusercontent\.com|colab\.research\.google\.com/github)/){re.escape(old)}/{re.escape(repo)}\b', rf'\g<1>{new}/{repo}', text)
    return re.sub(rf'(?<![\w-]){re.escape(old)}\.github\.io\b', f'{new}.github.io', text)

def set_user(name, root):
    "Files that changed"
    cfg = ConfigParser(delimiters=['='])
    cfg.read(root/'settings.ini', encoding='utf-8')
    old, repo, changed = cfg['DEFAULT']['user'], cfg['DEFAULT']['repo'], []
    for o in docs_check.files(root):
        if o.suffix not in docs_check.TEXT | {'.ipynb'}: continue
        text = (root/o).read_text(encoding='utf-8')
        new = re.sub(r'^user *=.*$', f'user = {name}', text, flags=re.M) if o == Path('settings.ini') else relink(text, old, name, repo)
        if new != text: (root/o).write_text(new, encoding='utf-8', newline='\n'); changed.append(o)
    return changed

def main(args, root=ROOT):
    if len(args) != 1 or args[0] in ('-h', '--help'): return print(__doc__) or 2
    if not ACCOUNT.fullmatch(args[0]): return print(f'NAME is a GitHub account: letters, digits and single hyphens, at most 39; got {args[0]!r}', file=sys.stderr) or 2
    changed = set_user(args[0], root)
    for o in changed: print(o)
    print(f'{len(changed)} files changed; look at `git diff`, then commit' if changed else f'everything says {args[0]} already')
    return 0

if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
