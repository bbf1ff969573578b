/* Faults of file operations under one folder, for bench/reliability.py: loaded with LD_PRELOAD into the process that is tried.
 *
 * fault_arm(folder, at, kind): at the `at`-th counted operation (from 1) under `folder`
 *   kind 0: nothing, only count;
 *   kind 1: the process is killed with SIGKILL; of a write the first half is done before;
 *   kind 2: the operation fails with ENOSPC, once;
 *   kind 3: it fails with ENOSPC, and so does every later one: the disk stays full.
 * Counted are writes, files that are created or truncated, folders made, and fsync; for kind 0 and 1 also renames and removals.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static size_t length;
static atomic_long counted;
static long at = -1;
static int kind = -1;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

void fault_arm(const char *path, long when, int what) {
  strncpy(folder, path, sizeof folder - 1);
  length = strlen(folder);
  atomic_store(&counted, 0);
  at = when;
  kind = what;
}

long fault_counted(void) { return atomic_load(&counted); }

static int inside_path(int directory, const char *path) {
  char full[PATH_MAX], link[64];
  if (kind < 0 || path == NULL) return 0;
  if (path[0] == '/') return strncmp(path, folder, length) == 0;
  if (directory == AT_FDCWD) {
    if (getcwd(full, sizeof full) == NULL) return 0;
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t n = readlink(link, full, sizeof full - 1);
    if (n < 0) return 0;
    full[n] = 0;
  }
  return strncmp(full, folder, length) == 0;
}

static int inside(int descriptor) {
  char link[64], full[PATH_MAX];
  if (kind < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t n = readlink(link, full, sizeof full - 1);
  if (n < 0) return 0;
  full[n] = 0;
  return strncmp(full, folder, length) == 0;
}

/* Returns 1 if the operation is to fail with ENOSPC; does not return if the process is to die. What takes no space
 * (needless: removing, renaming, opening a file that is there) can be the moment of a kill, but does not fail. */
static int fault(int needless, int descriptor, const void *data, size_t size) {
  if (needless && kind > 1) return 0;
  long number = atomic_fetch_add(&counted, 1) + 1;
  if (kind == 1 && number == at) {
    if (data != NULL && size > 1) REAL(write)(descriptor, data, size / 2);
    kill(getpid(), SIGKILL);
    pause();
  }
  if ((kind == 2 && number == at) || (kind == 3 && number >= at)) {
    errno = ENOSPC;
    return 1;
  }
  return 0;
}

ssize_t write(int fd, const void *data, size_t size) {
  if (inside(fd) && fault(0, fd, data, size)) return -1;
  return REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  if (inside(fd) && fault(0, -1, NULL, 0)) return -1;
  return REAL(pwrite)(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  if (inside(fd) && fault(0, -1, NULL, 0)) return -1;
  return REAL(pwrite64)(fd, data, size, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
  if (inside(fd) && fault(0, -1, NULL, 0)) return -1;
  return REAL(writev)(fd, parts, n);
}
int fsync(int fd) {
  if (inside(fd) && fault(0, -1, NULL, 0)) return -1;
  return REAL(fsync)(fd);
}
int fdatasync(int fd) {
  if (inside(fd) && fault(0, -1, NULL, 0)) return -1;
  return REAL(fdatasync)(fd);
}
int mkdir(const char *path, mode_t mode) {
  if (inside_path(AT_FDCWD, path) && fault(0, -1, NULL, 0)) return -1;
  return REAL(mkdir)(path, mode);
}
int rename(const char *from, const char *to) {
  if (inside_path(AT_FDCWD, to)) fault(1, -1, NULL, 0);
  return REAL(rename)(from, to);
}
int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  if (inside_path(to_fd, to)) fault(1, -1, NULL, 0);
  return REAL(renameat)(from_fd, from, to_fd, to);
}
int unlink(const char *path) {
  if (inside_path(AT_FDCWD, path)) fault(1, -1, NULL, 0);
  return REAL(unlink)(path);
}
int unlinkat(int fd, const char *path, int flags) {
  if (inside_path(fd, path)) fault(1, -1, NULL, 0);
  return REAL(unlinkat)(fd, path, flags);
}
int rmdir(const char *path) {
  if (inside_path(AT_FDCWD, path)) fault(1, -1, NULL, 0);
  return REAL(rmdir)(path);
}

#define OPENED(call, directory, path, flags)                                              \
  mode_t mode = 0;                                                                        \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                                                  \
    va_list arguments;                                                                    \
    va_start(arguments, flags);                                                           \
    mode = va_arg(arguments, mode_t);                                                     \
    va_end(arguments);                                                                    \
  }                                                                                       \
  if (((flags) & (O_CREAT | O_TRUNC)) && inside_path(directory, path) &&        \
      fault(faccessat(directory, path, F_OK, 0) == 0, -1, NULL, 0))                       \
    return -1;                                                                            \
  return call

int open(const char *path, int flags, ...) { OPENED(REAL(open)(path, flags, mode), AT_FDCWD, path, flags); }
int open64(const char *path, int flags, ...) { OPENED(REAL(open64)(path, flags, mode), AT_FDCWD, path, flags); }
int openat(int fd, const char *path, int flags, ...) { OPENED(REAL(openat)(fd, path, flags, mode), fd, path, flags); }
int openat64(int fd, const char *path, int flags, ...) { OPENED(REAL(openat64)(fd, path, flags, mode), fd, path, flags); }
