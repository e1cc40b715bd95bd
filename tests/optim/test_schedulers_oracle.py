"""Every scheduler against PyTorch's: rates and momenta over 200 steps, states across libraries."""

import copy
import warnings

import pytest

import fastnn

torch = pytest.importorskip("torch")

STEPS = 200


class Decay:
    """A callable object: its attributes belong to the state."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate**epoch


def sequence(*makers, milestones):
    def make(L, o):
        return L.SequentialLR(o, [m(L, o) for m in makers], milestones)

    return make


def chain(*makers):
    return lambda L, o: L.ChainedScheduler([m(L, o) for m in makers])


def warmup(L, o):
    return L.LinearLR(o, start_factor=0.1, total_iters=7)


def cosine(L, o):
    return L.CosineAnnealingLR(o, T_max=30, eta_min=0.001)


CASES = {
    "lambda": lambda L, o: L.LambdaLR(o, lambda e: 0.95**e),
    "lambda-list": lambda L, o: L.LambdaLR(o, [lambda e: 0.95**e, lambda e: 1 / (1 + e)]),
    "lambda-object": lambda L, o: L.LambdaLR(o, Decay(0.9)),
    "multiplicative": lambda L, o: L.MultiplicativeLR(o, lambda e: 0.99 if e % 3 else 1.01),
    "step": lambda L, o: L.StepLR(o, 7),
    "step-gamma": lambda L, o: L.StepLR(o, 1, gamma=0.97),
    "multistep": lambda L, o: L.MultiStepLR(o, [3, 50, 50, 120], gamma=0.3),
    "constant": lambda L, o: L.ConstantLR(o),
    "constant-long": lambda L, o: L.ConstantLR(o, factor=0.7, total_iters=90),
    "linear": lambda L, o: L.LinearLR(o),
    "linear-down": lambda L, o: L.LinearLR(o, 1.0, 0.05, total_iters=150),
    "exponential": lambda L, o: L.ExponentialLR(o, 0.98),
    "polynomial": lambda L, o: L.PolynomialLR(o),
    "polynomial-power": lambda L, o: L.PolynomialLR(o, total_iters=170, power=2.5),
    "cosine": cosine,
    "cosine-odd": lambda L, o: L.CosineAnnealingLR(o, T_max=7),
    "cosine-long": lambda L, o: L.CosineAnnealingLR(o, T_max=200, eta_min=0.01),
    "cosine-one": lambda L, o: L.CosineAnnealingLR(o, T_max=1),
    "restarts": lambda L, o: L.CosineAnnealingWarmRestarts(o, 10),
    "restarts-mult": lambda L, o: L.CosineAnnealingWarmRestarts(o, 5, 2, eta_min=0.002),
    "restarts-three": lambda L, o: L.CosineAnnealingWarmRestarts(o, 3, 3),
    "cyclic": lambda L, o: L.CyclicLR(o, 0.01, 0.3, step_size_up=11),
    "cyclic-asym": lambda L, o: L.CyclicLR(o, [0.01, 0.02], 0.3, 11, 23, mode="triangular2"),
    "cyclic-exp": lambda L, o: L.CyclicLR(o, 0.01, 0.3, 9, mode="exp_range", gamma=0.99),
    "cyclic-fn": lambda L, o: L.CyclicLR(o, 0.01, 0.3, 9, scale_fn=Decay(0.7)),
    "cyclic-fn-iter": lambda L, o: L.CyclicLR(
        o, 0.01, 0.3, 9, scale_fn=Decay(0.99), scale_mode="iterations"
    ),
    "cyclic-momentum": lambda L, o: L.CyclicLR(
        o, 0.01, 0.3, 9, base_momentum=[0.5, 0.6], max_momentum=0.99
    ),
    "cyclic-plain": lambda L, o: L.CyclicLR(o, 0.01, 0.3, 9, cycle_momentum=False),
    "onecycle": lambda L, o: L.OneCycleLR(o, 0.4, total_steps=STEPS),
    "onecycle-list": lambda L, o: L.OneCycleLR(o, [0.4, 0.1], epochs=20, steps_per_epoch=10),
    "onecycle-linear": lambda L, o: L.OneCycleLR(
        o, 0.4, STEPS, anneal_strategy="linear", pct_start=0.25, div_factor=10
    ),
    "onecycle-three": lambda L, o: L.OneCycleLR(
        o, 0.4, STEPS, three_phase=True, final_div_factor=100, base_momentum=0.7
    ),
    "onecycle-plain": lambda L, o: L.OneCycleLR(o, 0.4, STEPS, cycle_momentum=False),
    "sequential": sequence(warmup, cosine, milestones=[7]),
    "sequential-four": sequence(
        lambda L, o: L.ConstantLR(o, 0.1, 4),
        lambda L, o: L.ExponentialLR(o, 0.9),
        lambda L, o: L.StepLR(o, 5),
        lambda L, o: L.PolynomialLR(o, 50),
        milestones=[10, 31, 77],
    ),
    "sequential-lambdas": sequence(
        lambda L, o: L.MultiplicativeLR(o, lambda e: 0.9),
        lambda L, o: L.LambdaLR(o, lambda e: 0.8**e),
        lambda L, o: L.MultiStepLR(o, [4, 9]),
        lambda L, o: L.MultiplicativeLR(o, lambda e: 1.01),
        milestones=[5, 20, 60],
    ),
    "sequential-restarts": sequence(
        warmup, lambda L, o: L.CosineAnnealingWarmRestarts(o, 9, 2), milestones=[7]
    ),
    "chained": chain(lambda L, o: L.ConstantLR(o, 0.1, 20), lambda L, o: L.ExponentialLR(o, 0.99)),
    "chained-three": chain(warmup, cosine, lambda L, o: L.StepLR(o, 40, 0.5)),
}


def make_optimizer(lib, kind="SGD"):
    groups = [
        {"params": [lib.zeros(2, requires_grad=True)], "lr": 0.1},
        {"params": [lib.zeros(3, requires_grad=True)], "lr": 0.2},
    ]
    if kind == "Adam":
        return lib.optim.Adam(groups)
    return lib.optim.SGD(groups, momentum=0.9)


def figures(optimizer):
    return [
        (float(g["lr"]), g["momentum"] if "momentum" in g else g["betas"][0])
        for g in optimizer.param_groups
    ]


def run(scheduler, steps=STEPS):
    optimizer = scheduler.optimizer
    seen = [figures(optimizer)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        assert scheduler.get_last_lr() == [g["lr"] for g in optimizer.param_groups]
        seen.append(figures(optimizer))
    return seen


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs)
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        for x, y in zip(a, b, strict=True):
            # recursive forms carry a rounding or two from step to step: 200 * 4 * 2**-53, and the
            # chained cosine divides by values down to 1 - cos(pi / T)
            assert x == pytest.approx(y, rel=1e-11, abs=1e-15), f"step {step}"


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("case", CASES)
def test_two_hundred_steps(case, kind):
    ours = CASES[case](fastnn.optim.lr_scheduler, make_optimizer(fastnn, kind))
    theirs = CASES[case](torch.optim.lr_scheduler, make_optimizer(torch, kind))
    assert_equal(run(ours), run(theirs))


def plain(value):
    """A state_dict without what compares by identity."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


@pytest.mark.parametrize("case", CASES)
def test_state_dict_has_torchs_layout_and_resumes(case):
    pytest.importorskip("torch")
    maker = CASES[case]
    ours = maker(fastnn.optim.lr_scheduler, make_optimizer(fastnn))
    theirs = maker(torch.optim.lr_scheduler, make_optimizer(torch))
    run(ours, 60), run(theirs, 60)
    assert plain(ours.state_dict()) == plain(theirs.state_dict())
    again = maker(fastnn.optim.lr_scheduler, make_optimizer(fastnn))
    again.load_state_dict(copy.deepcopy(theirs.state_dict()))
    again.optimizer.load_state_dict(ours.optimizer.state_dict())
    assert_equal(run(again, 100), run(theirs, 100))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max"},
        {"patience": 2, "cooldown": 3, "factor": 0.5},
        {"threshold": 0.05, "threshold_mode": "abs", "patience": 1},
        {"min_lr": [0.05, 0.01], "patience": 0, "factor": 0.7},
        {"min_lr": 1e-3, "patience": 1, "eps": 1e-2},
        {"mode": "max", "threshold": 0.2, "patience": 3},
    ],
)
def test_plateau(options):
    def rates(lib):
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(make_optimizer(lib), **options)
        seen = []
        for i in range(STEPS):
            scheduler.step(3.0 / (1 + i // 9) + (i * 7919 % 13) / 40)
            seen.append(figures(scheduler.optimizer))
        return seen, scheduler.state_dict()

    ours, theirs = rates(fastnn), rates(torch)
    assert_equal(ours[0], theirs[0])
    assert plain(ours[1]) == plain(theirs[1])


@pytest.mark.parametrize("case", ["step", "multistep", "linear", "exponential", "cosine",
                                  "polynomial-power", "lambda", "constant-long"])
def test_jump_to_an_epoch(case):
    def rates(lib):
        scheduler = CASES[case](lib.optim.lr_scheduler, make_optimizer(lib))
        scheduler.optimizer.step()
        seen = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for epoch in (3, 50, 7, 160):
                scheduler.step(epoch)
                seen.append(figures(scheduler.optimizer))
                scheduler.step()
                seen.append(figures(scheduler.optimizer))
        return seen

    assert_equal(rates(fastnn), rates(torch))


def test_restarts_at_fractional_epochs():
    def rates(lib):
        o = make_optimizer(lib)
        scheduler = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2, eta_min=0.01)
        seen = []
        for i in range(STEPS):
            scheduler.step(i / 7)
            seen.append(figures(o))
        return seen

    assert_equal(rates(fastnn), rates(torch))


@pytest.mark.parametrize("case", ["step", "linear", "cosine", "exponential", "lambda"])
def test_resume_by_last_epoch(case):
    def rates(lib):
        o = make_optimizer(lib)
        for i, group in enumerate(o.param_groups):
            group["initial_lr"] = 0.5 * (i + 1)
        L = lib.optim.lr_scheduler
        scheduler = {
            "step": lambda: L.StepLR(o, 5, last_epoch=9),
            "linear": lambda: L.LinearLR(o, total_iters=20, last_epoch=9),
            "cosine": lambda: L.CosineAnnealingLR(o, 30, last_epoch=9),
            "exponential": lambda: L.ExponentialLR(o, 0.9, last_epoch=9),
            "lambda": lambda: L.LambdaLR(o, lambda e: 1 / (1 + e), last_epoch=9),
        }[case]()
        return run(scheduler, 40)

    assert_equal(rates(fastnn), rates(torch))
