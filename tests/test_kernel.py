"""A sweep in a live Jupyter kernel: interrupt it, run the cell again; what it leaves in the notebook."""
import json, sqlite3, time
import pytest
from jupyter_client.manager import start_new_kernel

SETUP = '''
import os; os.environ.pop('IN_TEST', None); os.environ.pop('PYTEST_CURRENT_TEST', None)
from deepsweep.sweep import run_sweep; from deepsweep.data import load_data
digits = load_data('digits', n_train=600)
sweep = dict(method='grid', name='live', parameters=dict(hidden_layers={'values': [[16], [32]]}, learning_rate={'values': [.1, .2]}, num_epochs={'value': EPOCHS}))
'''
CELL = "result = run_sweep(sweep, digits, store='live.db', progress=True)"

STATES = "list(__import__('deepsweep.runs', fromlist=['x']).RunStore('live.db').config_table()['state'])"

@pytest.fixture
def kernel(tmp_path):
    manager, client = start_new_kernel(kernel_name='python3', cwd=str(tmp_path))
    yield manager, client
    client.stop_channels(); manager.shutdown_kernel(now=True)

def run(client, code, on_message=lambda message: None):
    "Execute `code`; gives its reply and every output message"
    client.execute(code); messages = []
    while True:
        m = client.get_iopub_msg(timeout=120)
        messages.append(m); on_message(m)
        if m['msg_type'] == 'status' and m['content']['execution_state'] == 'idle': break
    return client.get_shell_msg(timeout=60)['content'], messages

def interrupt_in_a_run(manager, client, folder):
    "Start the cell, and interrupt it once an epoch of some run is stored"
    client.execute(CELL); deadline = time.monotonic()+60
    while time.monotonic() < deadline:
        try: epochs = sqlite3.connect(f'file:{folder/"live.db"}?mode=ro', uri=True).execute('SELECT max(epoch) FROM history').fetchone()[0]
        except sqlite3.Error: epochs = None
        if epochs: break
        time.sleep(.02)
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=60)['content']
    while True:
        m = client.get_iopub_msg(timeout=60)
        if m['msg_type'] == 'status' and m['content']['execution_state'] == 'idle': return reply

def value(client, code):
    "What `code` evaluates to"
    reply, messages = run(client, f'import json; print(json.dumps({code}))')
    assert reply['status'] == 'ok', reply
    return json.loads(''.join(m['content']['text'] for m in messages if m['msg_type'] == 'stream'))

def test_interrupt_and_go_on(kernel, tmp_path):
    manager, client = kernel
    assert run(client, SETUP.replace('EPOCHS', '400'))[0]['status'] == 'ok'
    assert interrupt_in_a_run(manager, client, tmp_path)['ename'] == 'KeyboardInterrupt'
    states = value(client, STATES)
    assert states[-1] == 'interrupted' and 'running' not in states
    run(client, "sweep['parameters']['num_epochs'] = {'value': 3}")
    start = time.monotonic()
    assert run(client, CELL)[0]['status'] == 'ok'
    assert time.monotonic()-start < 45                                    # no waiting for a stale claim
    assert value(client, "list(result.config_table()['state'])") == ['finished']*4

def test_same_cell_goes_on_at_once(kernel, tmp_path):
    manager, client = kernel
    run(client, SETUP.replace('EPOCHS', '100'))
    assert interrupt_in_a_run(manager, client, tmp_path)['ename'] == 'KeyboardInterrupt'
    again = value(client, STATES).count('interrupted')
    start = time.monotonic()
    assert run(client, CELL)[0]['status'] == 'ok' and time.monotonic()-start < 50
    attempts = value(client, "[int(o) for o in result.config_table()['attempt']]")
    assert value(client, "list(result.config_table()['state'])") == ['finished']*4
    assert again and sorted(attempts) == [1]*(4-again) + [2]*again        # what was interrupted, and no other run, trained again

def test_first_sign_and_small_output(kernel):
    _, client = kernel
    run(client, SETUP.replace('EPOCHS', '30'))
    seen, start = [], time.monotonic()
    def on_message(m):
        if m['msg_type'] in ('stream', 'display_data', 'update_display_data'): seen.append((time.monotonic()-start, m))
    assert run(client, CELL, on_message)[0]['status'] == 'ok'
    assert seen[0][0] < 2
    stored = {}                                                            # what the notebook would keep: streams, and each display as last updated
    for i, (_, m) in enumerate(seen):
        key = m['content'].get('transient', {}).get('display_id') or i
        stored[key] = json.dumps(m['content'].get('data') or m['content'].get('text'))
    assert sum(map(len, stored.values())) < 20_000
