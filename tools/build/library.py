"""libfastnn, shared and static, from csrc. The wheel counts every byte twice here: ADR 0002."""

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

from .flags import (
    JOBS,
    LINK,
    NO_UNWIND,
    OPT,
    PLAIN,
    PLANT,
    SANITIZE,
    SMALL,
    VERSION,
    WARN,  # fmt: skip
)

COMMON = ["-std=gnu11", *OPT, *WARN, *SANITIZE, "-ffp-contract=off", "-fno-math-errno",
          "-fno-trapping-math", "-fvisibility=hidden", "-fno-semantic-interposition"]  # fmt: skip
# gcc repeats a loop for what is left of a vector, vectorised again and then unrolled: a third of a
# kernel's code for a handful of elements. Only rows and channels are often that few.
SHORT = {"norm", "softmax"}
NO_EPILOGUE = "--param=vect-epilogues-nomask=0"
NO_PEELING = "--param=max-completely-peel-times=4"
# Loops that wait for memory gain nothing from starting at a round address; tiles of FMAs may.
PACKED = ["-fno-align-functions", "-fno-align-jumps", "-fno-align-labels", "-fno-align-loops"]
ALIGNED = {"attention", "conv", "gemm", "rnn"}
# gcc would thread jumps through the clamps of exp and leave chains of blends.
CLAMPS = "-fno-thread-jumps"
# What -O3 adds to vectorising (whole loops unrolled, above all) is worth its bytes here alone.
UNROLLED = {"loss", "move", "norm", "plain", "pointwise", "pool", "reduce"}
VECTORS = [] if SANITIZE else ["-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic"]
SMALL_KERNELS = {"base"}  # the portable ones, for processors older than 2013
DRIVERS = {  # of every op; of small ones, or of a small net's step. The others start long work
    **dict.fromkeys(["door", "iter", "overlap", "pointwise", "reduce"], []),
    **dict.fromkeys(["binary", "copy", "copying", "cross_entropy", "fill", "gemm", "linear",
                     "loss", "matmul", "optim", "reduce_plan", "reduce_run", "shapes",
                     "signature", "unary"], PLAIN),
}  # fmt: skip


class Library:
    """Compiles into folder/libfastnn.so and .a, with objects kept in cache."""

    def __init__(self, compiler, folder, cache):
        self.cc, self.folder, self.cache = compiler, folder, Path(cache)

    def build(self):
        settings = repr([self.cc.compiler.compiler_so, COMMON, self.cc.openmp, PLANT])
        # other settings, other objects: what is kept from build to build must be what is wanted now
        self.objects = self.cache / hashlib.sha1(settings.encode()).hexdigest()[:8]
        flags = [*COMMON, *([] if SANITIZE else self.cc.known(NO_PEELING, NO_UNWIND))]
        jobs = [*self.runtime(flags), *self.drivers(flags), *self.kernels(flags)]
        with ThreadPoolExecutor(JOBS) as pool:
            self.link(sorted(pool.map(lambda job: self.compile(*job), jobs)))

    def runtime(self, flags):
        careful = ["-Wconversion", "-Wno-sign-conversion", *self.cc.openmp]
        for path in glob("csrc/runtime/*.c"):
            yield path, self.objects, [*flags, *careful], []
        yield "csrc/isa/tables.c", self.objects, flags, []

    def drivers(self, flags):
        for path in [p for layer in ("ops", "api") for p in glob(f"csrc/{layer}/*.c")]:
            yield path, self.objects, [*flags, *DRIVERS.get(Path(path).stem, SMALL)], []

    def kernels(self, flags):
        flags = [*flags, *self.cc.known(CLAMPS)]
        lean = self.cc.known(NO_EPILOGUE)
        for path in sorted(glob("csrc/kernels/families/*.inc")):
            family = Path(path).stem
            fast = [*([] if family in SHORT else lean), *([] if family in UNROLLED else VECTORS),
                    *([] if family in ALIGNED else self.cc.known(*PACKED))]  # fmt: skip
            macro = ("FNN_FAMILY", f'"{path.removeprefix("csrc/")}"')
            for isa in ("avx512", "avx2", "neon", "base"):
                more = SMALL if isa in SMALL_KERNELS else fast
                if SANITIZE and isa not in SMALL_KERNELS:
                    more = ["-fno-sanitize=all"]
                yield f"csrc/isa/{isa}.c", self.objects / family, [*flags, *more], [macro]

    def compile(self, source, folder, flags, macros):
        """The object of a source; as it stands where nothing that it was made of is newer."""
        made = folder / Path(source).with_suffix(".o")
        told = made.with_suffix(".d")
        if made.exists() and told.exists():
            parts = told.read_text().replace("\\\n", " ").split(":", 1)[1].split()
            parts += [__file__, __file__.replace("library.py", "flags.py")]
            since = made.stat().st_mtime
            if all(os.path.exists(p) and os.path.getmtime(p) < since for p in parts):
                return str(made)
        self.cc.compiler.compile(
            [source], output_dir=str(folder), include_dirs=["csrc", "csrc/include"],
            macros=[("FNN_VERSION_STRING", f'"{VERSION}"'), *PLANT, *macros],
            extra_postargs=[*flags, "-MMD", "-MF", str(told)])  # fmt: skip
        return str(made)

    def link(self, objects):
        cc = self.cc.compiler
        cc.link_shared_object(
            objects, str(self.folder / "libfastnn.so"),
            extra_postargs=[*LINK, *self.cc.openmp, "-lm", "-Wl,-soname,libfastnn.so",
                            "-Wl,-z,nodelete", "-Wl,-Bsymbolic-functions"])  # fmt: skip
        (self.folder / "libfastnn.a").unlink(missing_ok=True)
        if not SANITIZE and shutil.which("strip") and shutil.which("objcopy"):
            # one object: symbols and relocations are half, and only fastnn.h's names are seen
            whole = str(self.cache / "fastnn.o")
            cc.spawn([cc.compiler_so[0], "-r", "-nostdlib", "-o", whole, *objects])
            cc.spawn(["objcopy", "--localize-hidden", whole])
            cc.spawn(["strip", "--strip-unneeded", whole])
            objects = [whole]
        cc.create_static_lib(objects, "fastnn", output_dir=str(self.folder))
