"""How the drawn pages look: axe-core and the widths of everything, in headless Chromium, on a desktop and on a phone.

The stand-in's pages have Quarto's structure and class names, the same Bootstrap themes and our styles.css; the column of
text, which is Quarto's own, is set to the width measured there. Colours of code and the search box are the stand-in's."""
import contextlib, json, re, shutil, sys
from importlib.util import find_spec
from pathlib import Path

QUIET = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
DESKTOP, PHONE = dict(width=1280, height=900), dict(width=400, height=800)   # [CSS pixels]
COLUMN = 720   # [px] of text in a desktop window of 1280, with the grid of _quarto.yml
LEVELS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
GRID = f':root {{ --sd-sidebar-width: 220px; --sd-margin-width: 180px; --sd-gap: 2rem; --sd-body-width: {COLUMN}px }}'
SLACK = 2      # [px] of rounding
ROOM = 1.2     # the theme's own font, loaded from the net, is a fifth narrower than what stands in for it here
CODE, ROWS = 3, 6   # code blocks a page, and rows a table of results, that axe-core looks into

# Elements of the page whose content sticks out of the window, or is cut or scrolls where it should not.
WIDTHS = '''(desktop) => {
  const found = [], main = document.querySelector('main') || document.body, view = document.documentElement.clientWidth, slack = SLACK
  const name = o => (o.id ? '#' + o.id : o.closest('[id]') ? '#' + o.closest('[id]').id + ' ' : '') + o.tagName.toLowerCase()
  if (document.documentElement.scrollWidth > view + slack) {
    const held = o => {
      for (let p = o.parentElement; p && p !== document.body; p = p.parentElement)
        if (getComputedStyle(p).overflowX !== 'visible') return true
      return false
    }
    const wide = [...document.body.querySelectorAll('*')].filter(o => o.getBoundingClientRect().right > view + slack && !held(o)).pop()
    found.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${view}` + (wide ? `: ${name(wide)}` : ''))
  }
  const kinds = {}
  for (const o of main.querySelectorAll('pre, .cell-output-display, .sourceCode, table, figure, p, h1, h2, h3, h4, td, th, summary')) {
    const flow = getComputedStyle(o).overflowX, held = ['auto', 'scroll'].includes(flow)
    if (o.scrollWidth - o.clientWidth <= slack || !o.clientWidth) continue   // fits, or is not drawn
    const isCode = o.matches('.sourceCode'), isWide = desktop && o.scrollWidth > ROOM*o.clientWidth
    let kind = ''
    if (['hidden', 'clip'].includes(flow)) kind = 'cut off'
    else if (held && isCode) kind = 'code that scrolls sideways'
    else if (held && isWide) kind = 'an output that scrolls sideways'
    if (kind) (kinds[kind] ||= []).push(`${name(o)} (${o.scrollWidth} px in ${o.clientWidth})`)
  }
  for (const [kind, where] of Object.entries(kinds)) found.push(`${kind}: ${where.length} × ${where.slice(0, 8).join(', ')}`)
  return found
}'''.replace('SLACK', str(SLACK)).replace('ROOM', str(ROOM))

OPEN = '() => document.querySelectorAll("details").forEach(o => o.open = true)'   # folded code is looked at too

# For axe-core, whose time goes with the number of elements: only the main content, and coloured words in a few blocks.
STRIP = '''() => {
  for (let o = document.querySelector('main'); o && o !== document.body; o = o.parentElement)
    [...o.parentElement.children].forEach(p => p !== o && p.remove())
  document.querySelectorAll('main .cell-output table').forEach(o => [...o.rows].slice(ROWS).forEach(p => p.remove()))
  ;[...document.querySelectorAll('main code.sourceCode')].slice(CODE).forEach(o => o.textContent = o.textContent)
}'''.replace('CODE', str(CODE)).replace('ROWS', str(ROWS))

def missing():
    "What this check needs and does not find, or None"
    for package in ('playwright', 'axe_playwright_python'):
        if not find_spec(package): return f"no {package} here: pip install axe-playwright-python"
    if not browser_path(): return 'no Chromium here: apt-get install chromium'

def browser_path(): return next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)

def axe_source():
    "axe-core, out of the package that carries it"
    return (Path(find_spec('axe_playwright_python').origin).parent/'axe.min.js').read_text(encoding='utf-8')

TOLD = "o => o.violations.map(v => [v.id, v.help, v.nodes.length, v.nodes[0].html.slice(0, 110), v.nodes[0].target.join(' ')])"

def violations(page, only=None, colours=True):
    "What axe-core finds broken in the main content, a line a rule"
    run = dict(type='rule', values=only) if only else dict(type='tag', values=LEVELS)
    off = ['scrollable-region-focusable'] + ['color-contrast']*(not colours)   # Chromium and Firefox let keys reach what scrolls
    rules = {o: dict(enabled=False) for o in off if not only}
    options = json.dumps(dict(runOnly=run, rules=rules, resultTypes=['violations'], elementRef=False))
    found = page.evaluate(f"() => axe.run(document.querySelector('main') || document, {options}).then({TOLD})")
    return [f'{rule}: {told}: {n} × `{target}` {html}' for rule, told, n, html, target in found]

def look(page, url, axe, colours=True):
    "Faults of one page: its widths on a desktop and on a phone, then what axe-core says in light and, for `colours`, in dark"
    page.emulate_media(color_scheme='light')
    page.set_viewport_size(DESKTOP)
    page.goto(url, wait_until='load')
    page.add_style_tag(content=GRID)
    page.evaluate(OPEN)
    yield from (f'1280 px: {o}' for o in page.evaluate(WIDTHS, True))
    page.set_viewport_size(PHONE)
    yield from (f'400 px: {o}' for o in page.evaluate(WIDTHS, False))
    page.set_viewport_size(DESKTOP)
    page.evaluate(STRIP)
    page.evaluate(axe)
    yield from (f'light: {o}' for o in violations(page, colours=colours))
    if not colours: return
    page.emulate_media(color_scheme='dark')
    page.wait_for_function('() => document.documentElement.classList.contains("quarto-dark")')
    yield from (f'dark: {o}' for o in violations(page, ['color-contrast', 'link-in-text-block']))

@contextlib.contextmanager
def opened():
    "A browser page that reaches nothing but files"
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), headless=True, args=QUIET)
        page = browser.new_page(reduced_motion='reduce')
        page.route('**/*', lambda route: route.continue_() if route.request.url.startswith(('file:', 'data:')) else route.abort())
        yield page
        browser.close()

def has_colours(name):
    "Library pages share their colours, and looking at them takes most of the time: two stand for all"
    return not re.match(r'\d', name) or name.startswith(('40_', '80_'))

def check_browser(out, names):
    "Faults of these pages in the folder `out`"
    axe = axe_source()
    with opened() as page:
        for name in names:
            for fault in look(page, (Path(out).resolve()/name).as_uri(), axe, has_colours(name)): yield f'site: {name}: {fault}'

if __name__ == '__main__':
    for fault in check_browser(sys.argv[1], sys.argv[2:]): print(fault, flush=True)
