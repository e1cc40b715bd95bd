/* What this process may use of the machine: processors, memory, cache. Each is read once. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/runtime.h"
#include "runtime/sizes.h"

#ifndef FNN_CGROUP_FILE /* a test builds this file with a tree of its own */
#define FNN_CGROUP_FILE "/proc/self/cgroup"
#define FNN_CGROUP_ROOT "/sys/fs/cgroup"
#endif
#define MAX_CPUS 8192
#define PATH 1024

/* Up to two numbers of a file; "max" reads as -1. The count read is returned. */
static int read_numbers(const char *path, int64_t v[2]) {
  FILE *f = fopen(path, "re");
  if (!f) return 0;
  char word[2][32];
  int n = fscanf(f, "%31s %31s", word[0], word[1]);
  fclose(f);
  for (int i = 0; i < n; i++) v[i] = strcmp(word[i], "max") ? strtoll(word[i], NULL, 10) : -1;
  return n < 0 ? 0 : n;
}

/* One folder's quota in processors, rounded up; INT64_MAX where it sets none. */
static int64_t quota(const char *folder) {
  char path[PATH + 64];
  int64_t v[2], period[2];
  snprintf(path, sizeof path, "%s/cpu.max", folder);
  if (read_numbers(path, v) == 2 && v[0] > 0 && v[1] > 0) return fnn_ceil_div(v[0], v[1]);
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
  if (read_numbers(path, v) < 1 || v[0] <= 0) return INT64_MAX;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
  if (read_numbers(path, period) < 1 || period[0] <= 0) return INT64_MAX;
  return fnn_ceil_div(v[0], period[0]);
}

static int64_t memory_limit(const char *folder) {
  static const char *const names[] = {"memory.max", "memory.limit_in_bytes"};
  char path[PATH + 64];
  int64_t v[2];
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    if (read_numbers(path, v) >= 1 && v[0] > 0) return v[0];
  }
  return INT64_MAX;
}

/* The least that the folder of this process's group and those above it allow. A container sees
 * its own group at the root, whatever the path says. */
static int64_t walk(const char *root, const char *group, int64_t (*look)(const char *)) {
  char folder[PATH];
  int n = snprintf(folder, sizeof folder, "%s%s", root, group);
  if (n < 0 || n >= PATH) return INT64_MAX;
  int64_t least = INT64_MAX;
  for (;;) {
    least = fnn_min64(least, look(folder));
    char *slash = strrchr(folder, '/');
    if (!slash || (size_t)(slash - folder) < strlen(root)) return least;
    *slash = 0;
  }
}

/* controller: a version 1 hierarchy's name; the unified hierarchy counts always. */
static int64_t cgroup_least(const char *controller, int64_t (*look)(const char *)) {
  FILE *f = fopen(FNN_CGROUP_FILE, "re");
  if (!f) return INT64_MAX;
  char line[PATH], root[PATH];
  int64_t least = INT64_MAX;
  while (fgets(line, sizeof line, f)) {
    char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
    if (!group) continue;
    *group++ = 0;
    names++;
    group[strcspn(group, "\n")] = 0;
    if (strcmp(group, "/") == 0) group[0] = 0;
    if (!*names) {
      least = fnn_min64(least, walk(FNN_CGROUP_ROOT, group, look));
      continue;
    }
    for (char *rest = names, *name; (name = strsep(&rest, ","));) {
      if (strcmp(name, controller) != 0) continue;
      snprintf(root, sizeof root, "%s/%s", FNN_CGROUP_ROOT, controller);
      least = fnn_min64(least, walk(root, group, look));
    }
  }
  fclose(f);
  return least;
}

static int64_t affinity(void) {
#if defined(__linux__)
  size_t bytes = CPU_ALLOC_SIZE(MAX_CPUS);
  cpu_set_t set[MAX_CPUS / CPU_SETSIZE];
  if (sched_getaffinity(0, bytes, set) == 0) return CPU_COUNT_S(bytes, set);
#endif
  int64_t n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? n : 1;
}

int fnn_cpu_count(void) {
  static int count;
  int n = __atomic_load_n(&count, __ATOMIC_RELAXED);
  if (n) return n;
  /* With OMP_PROC_BIND the OpenMP runtime has bound this thread to one processor already, and
   * only it remembers the mask that the process came with. */
  int64_t cpus = fnn_max64(affinity(), fnn_openmp_procs());
  cpus = fnn_min64(cpus, cgroup_least("cpu", quota));
  n = (int)fnn_max64(1, cpus);
  __atomic_store_n(&count, n, __ATOMIC_RELAXED);
  return n;
}

int64_t fnn_memory_total(void) {
  static int64_t total;
  int64_t n = __atomic_load_n(&total, __ATOMIC_RELAXED), bytes;
  if (n) return n;
  if (!fnn_mul_ok(sysconf(_SC_PHYS_PAGES), sysconf(_SC_PAGESIZE), &bytes) || bytes <= 0)
    bytes = (int64_t)1 << 30;
  n = fnn_min64(bytes, cgroup_least("memory", memory_limit));
  __atomic_store_n(&total, n, __ATOMIC_RELAXED);
  return n;
}

int64_t fnn_l2_bytes(void) {
  static int64_t size;
  int64_t n = __atomic_load_n(&size, __ATOMIC_RELAXED);
  if (n) return n;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  n = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (n <= 0) n = 512 * 1024;
  __atomic_store_n(&size, n, __ATOMIC_RELAXED);
  return n;
}
