"""Two processes that share each batch compute what one computes on the whole of it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

SYSTEMS = [
    ("ramln", {}),
    ("ramln", {"memory": "classes"}),
    ("dsn", {}),
    ("masbir", {}),
    ("masbir", {"variant": "fine-grained"}),
    ("bdasketret", {"streams": "fixed"}),
]
# Forks before anything is computed, as in test_interruption.py.
SCRIPT = """
import os, sys, traceback
from pathlib import Path
import tiny, torch, lightning_fabric
import torch.distributed as dist
from sbirkit.losses import cross_modal_triplet
from sbirkit.models.gathering import gather
from sbirkit.models.baselines import Softmax, SoftmaxConfig, Triplet, TripletConfig
from sbirkit.training import fit

torch.set_num_threads(1)
SYSTEMS = SYSTEMS_HERE
root, port = Path(sys.argv[1]), sys.argv[2]
bench = tiny.benchmark(root / "bars")

def alone():
    train("one")

def train(name):
    def net():
        return tiny.Net(norm=False, drop=0.0)
    methods = {
        "triplet": Triplet(TripletConfig(dim=8, mining="hard"), backbone=net()),
        "softmax": Softmax(SoftmaxConfig(dim=8), backbone=net(), classes=bench.train_classes),
    }
    for system, options in SYSTEMS:  # of BDA-SketRet's noise each process draws its own
        key = "-".join([system, *map(str, options.values())])
        methods[key] = tiny.system(system, bench.train_classes, **options)
    for kind, method in methods.items():
        fit(method, bench, tiny.config(lr=0.001, steps=8), out=root / f"{name}-{kind}", progress=False)

def together(rank):
    os.environ.update(
        MASTER_ADDR="127.0.0.1", MASTER_PORT=port, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", RANK=str(rank),
        LOCAL_RANK=str(rank), GROUP_RANK="0", TORCHELASTIC_RUN_ID="test",
    )
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(0)
    x, y = torch.randn(10, 6, dtype=torch.float64), torch.arange(10) % 3
    w = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    mine = slice(0, 3) if rank == 0 else slice(3, 10)  # shares of unequal size
    rows = gather(x[mine] @ w)
    assert torch.equal(rows, x @ w) and torch.equal(gather(y[mine]), y)
    whole = cross_modal_triplet(x @ w, (x @ w).roll(1, 0), y, y.roll(1, 0))
    shared = cross_modal_triplet(rows, rows.roll(1, 0), gather(y[mine]), y.roll(1, 0))
    want, = torch.autograd.grad(whole, w)
    first, = torch.autograd.grad(shared, w, create_graph=True)
    mean = first.clone() / 2
    dist.all_reduce(mean)
    torch.testing.assert_close(mean, want, atol=1e-12, rtol=0)
    cube, = torch.autograd.grad(gather(x[mine] @ w).pow(3).sum(), w, create_graph=True)
    twice, = torch.autograd.grad(cube.sum(), w)
    dist.all_reduce(twice)
    a = w.detach().clone().requires_grad_()
    g, = torch.autograd.grad((x @ a).pow(3).sum(), a, create_graph=True)
    h, = torch.autograd.grad(g.sum(), a)
    torch.testing.assert_close(twice / 2, h, atol=1e-10, rtol=0)
    train("two")

def start(work, *args):
    if pid := os.fork():
        return pid
    try:
        work(*args)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)

for group in [[(alone,)], [(together, 0), (together, 1)]]:
    started = [start(*work) for work in group]
    ended = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in started]
    assert not any(ended), ended
"""


def test_two_processes_end_where_one_ends(tmp_path):
    if not (
        hasattr(os, "fork") and torch.distributed.is_available() and torch.distributed.is_gloo_available()
    ):
        pytest.skip("needs fork and torch's gloo")
    try:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
    except OSError as error:
        pytest.skip(f"gloo cannot start without a loopback address: {error}")
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    script = SCRIPT.replace("SYSTEMS_HERE", repr(SYSTEMS))
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path, port], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    systems = ["-".join([system, *options.values()]) for system, options in SYSTEMS]
    for kind in ("triplet", "softmax", *systems):
        one, two = (load_file(tmp_path / f"{n}-{kind}" / "last.safetensors") for n in ("one", "two"))
        for name, x in one.items():
            near = torch.allclose(
                two[name], x, atol=1e-5 if kind in systems else 1e-6, rtol=0, equal_nan=True
            )
            assert near, f"{kind}: {name}"
