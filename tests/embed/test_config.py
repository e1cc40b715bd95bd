"""Where things are, and what compilers are told: fastnn config, pkg-config, get_include."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import fastnn
from fastnn.cli import main
from tests.embed.programs import call, tool

INCLUDE, LIB = fastnn.get_include(), fastnn.get_lib()


def test_the_folders_hold_what_they_promise():
    assert (Path(INCLUDE) / "fastnn.h").is_file() and (Path(INCLUDE) / "fastnn_ops.def").is_file()
    for name in ("libfastnn.so", "libfastnn.a", "pkgconfig/fastnn.pc",
                 "pkgconfig/fastnn-static.pc", "cmake/fastnn/fastnnConfig.cmake"):  # fmt: skip
        assert (Path(LIB) / name).is_file(), name
    assert fastnn.get_library_dir() == LIB


@pytest.mark.parametrize("asked, told", [
    (["--cflags"], [f"-I{INCLUDE}"]),
    (["--libs"], [f"-L{LIB}", f"-Wl,-rpath,{LIB}", "-lfastnn"]),
    (["--cflags", "--libs"], [f"-I{INCLUDE}", f"-L{LIB}", f"-Wl,-rpath,{LIB}", "-lfastnn"]),
    ([], [f"-I{INCLUDE}", f"-L{LIB}", f"-Wl,-rpath,{LIB}", "-lfastnn"]),
    (["--include"], [INCLUDE]),
    (["--lib"], [LIB]),
    (["--prefix"], [str(Path(LIB).parent)]),
])
def test_config(asked, told, capsys):
    assert main(["config", *asked]) == 0
    assert shlex.split(capsys.readouterr().out) == told


def test_the_static_library_names_what_it_needs(capsys):
    assert main(["config", "--libs", "--static"]) == 0
    told = capsys.readouterr().out.split()
    assert told[0] == f"{LIB}/libfastnn.a" and told[-2:] == ["-lm", "-lpthread"]
    assert set(told[1:-2]) <= {"-fopenmp"}


def test_an_unknown_option_is_one_line(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["config", "--flags"])
    assert capsys.readouterr().err.count("\n") == 1


def test_python_m_fastnn_and_the_script():
    root = str(Path(fastnn.__file__).parents[1])
    for args in (["-m", "fastnn", "config", "--lib"],
                 ["-c", "import sys; sys.argv = ['fastnn-config', '--lib']\n"
                        "from fastnn.cli.config import main; sys.exit(main())"]):  # fmt: skip
        done = subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=root,
                              check=True)
        assert done.stdout.strip() == LIB


@pytest.mark.parametrize("package, args", [("fastnn", []), ("fastnn-static", ["--static"])])
def test_pkg_config_says_the_same(package, args, capsys):
    told = call(tool("pkg-config", "pkgconf"), "--cflags", "--libs", package,
                PKG_CONFIG_PATH=f"{LIB}/pkgconfig").split()
    main(["config", "--cflags", "--libs", *args])
    ours = shlex.split(capsys.readouterr().out)

    def plain(flags):
        return [flag.replace(f"{LIB}/pkgconfig/../..", str(Path(LIB).parent)) for flag in flags]

    assert sorted(plain(told)) == sorted(ours)
    version = call(tool("pkg-config", "pkgconf"), "--modversion", package,
                   PKG_CONFIG_PATH=f"{LIB}/pkgconfig")
    assert version.strip() == fastnn.__version__


def test_asking_where_hides_no_function():
    assert fastnn.get_include() and callable(fastnn.embedding)
