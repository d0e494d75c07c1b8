#!/usr/bin/env python3
"""Stands in for the one call that nbdev_docs makes of Quarto, `quarto render`, where Quarto cannot be installed.

smalldocs draws the pages and names them after the notebook (`00_core.html`); Quarto, and the links that nbdev writes,
leave the number out (`core.html`). So each page is copied to the second name too. Not a Quarto: see CONTRIBUTING.md."""
import re, shutil, subprocess, sys
from pathlib import Path

if sys.argv[1:2] != ['render'] or '-o' in sys.argv: sys.exit(f"the Quarto stand-in knows only `quarto render`, got {' '.join(sys.argv[1:])!r}")
code = subprocess.call([sys.executable, '-m', 'smalldocs.cli', 'render', '.'])
for page in sorted(Path('_docs').rglob('[0-9]*_*.html')): shutil.copy(page, page.with_name(re.sub(r'^\d+[a-z]?_', '', page.name)))
sys.exit(code)
