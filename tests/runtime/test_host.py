"""What belongs to the host stays as it was: floating point, environment, signals, locale."""

import platform

import pytest
from native import python

READ = """
    import os, signal, locale
    libm = c.CDLL("libm.so.6")
    def mxcsr():
        env = (c.c_uint32 * 8)()  # glibc's fenv_t: seven words of x87, then MXCSR
        assert libm.fegetenv(env) == 0
        return env[7] & ~0x3F  # without the flags of what has happened
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="MXCSR is a register of x86")
@pytest.mark.parametrize("threads", [1, 4])
def test_mxcsr(threads):
    out = python(READ + f"""
    before = mxcsr()
    import fastnn
    imported = mxcsr()
    lib.fnn_set_num_threads({threads})
    x, y = tensor(0, 200_000), tensor(0, 200_000)
    c.memset(x.storage.contents.data, 0, 800_000)
    worst = set()
    seen = []
    @RANGE_FN
    def look(_, b, e, t): seen.append(mxcsr())
    for name in ("relu", "exp", "tanh", "sqrt"):
        assert run(name, [x], [y]) == 0, error()
        worst.add(mxcsr())
    lib.fnn_parallel_for(100, 1, look, None)
    print(hex(before), worst | set(seen) | {{imported}} == {{before}})
    """)
    assert out == "0x1f80 True"


def test_flush_to_zero_is_not_switched_on():
    out = python("""
        import fastnn, numpy as np
        print(float(np.float32(1e-40)) > 0, np.float64(5e-324) / 1 > 0)
    """)
    assert out == "True True"


def test_environment_signals_locale():
    out = python("""
        import locale, os, signal
        def all_of():
            handlers = [str(signal.getsignal(s)) for s in signal.valid_signals()]
            libc = c.CDLL(None)
            libc.setlocale.restype = c.c_char_p
            return dict(os.environ), handlers, libc.setlocale(6, None), os.getcwd()
        libc = c.CDLL(None)
        before = all_of()
        import fastnn
        fastnn.rand(10)
        print(all_of() == before)
    """)
    assert out == "True"


@pytest.mark.parametrize("quota,want", [
    ("max 100000", None), ("100000 100000", 1), ("150000 100000", 2), ("350000 100000", 4),
])
def test_cgroup_quota(tmp_path, quota, want):
    """cpu.c built over a tree of our own, of version 2 and of version 1."""
    assert count_with(tmp_path, {"v2/cpu.max": quota}, "0::/v2\n", 8) == (want or 8)
    period, share = quota.split()[1], quota.split()[0].replace("max", "-1")
    files = {"cpu/g/cpu.cfs_quota_us": share, "cpu/g/cpu.cfs_period_us": period}
    assert count_with(tmp_path, files, "3:cpu:/g\n0::/\n", 8) == (want or 8)


def test_cgroup_of_a_parent_counts(tmp_path):
    files = {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000"}
    assert count_with(tmp_path, files, "0::/a/b\n", 8) == 2


def test_cgroup_that_cannot_be_read_sets_no_limit(tmp_path):
    assert count_with(tmp_path, {}, "0::/gone\n", 8) == 8
    assert count_with(tmp_path, {"x/cpu.max": "nonsense"}, "0::/x\n", 8) == 8


def count_with(tmp_path, files, cgroup, procs):
    """fnn_cpu_count of a process in this cgroup tree, on a machine of procs processors."""
    import ctypes
    import shutil
    import subprocess
    import tempfile
    from pathlib import Path

    cc = shutil.which("gcc") or shutil.which("clang")
    if not cc:
        pytest.skip("a C compiler is not installed")
    root = Path(tempfile.mkdtemp(dir=tmp_path))
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    (root / "cgroup").write_text(cgroup)
    csrc = Path(__file__).resolve().parents[2] / "csrc"
    (root / "procs.c").write_text(f"int fnn_openmp_procs(void) {{ return {procs}; }}\n")
    subprocess.run([cc, "-shared", "-fPIC", f"-I{csrc}", f"-I{csrc}/include",
                    f'-DFNN_CGROUP_FILE="{root}/cgroup"', f'-DFNN_CGROUP_ROOT="{root}"',
                    str(csrc / "runtime/cpu.c"), str(root / "procs.c"), "-o", str(root / "cpu.so")],
                   check=True)
    return ctypes.CDLL(str(root / "cpu.so")).fnn_cpu_count()
