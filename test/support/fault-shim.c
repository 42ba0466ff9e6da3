/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a command under test: counts its file operations below a folder, and lets one of them fail.
 *
 *   LLMF_FAULT_BELOW  only operations on this folder's files count
 *   LLMF_FAULT_AT     number of the operation that is hit, from 1 on; 0: none
 *   LLMF_FAULT_WITH   a number: the operation fails with this errno; `short`: it moves half of its bytes;
 *                     `full`: it and all later ones that take space fail with ENOSPC; `kill`: the process is killed before it
 *   LLMF_FAULT_LOG    gets one line per operation that counts: its name, a tab, its path below the folder
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum verdict { goes_on, fails, moves_half };

static atomic_long counted;

/* Neither the log nor the look-up of a path may count themselves: system calls, and not by the `syscall` below. */
typedef long (*system_call)(long, ...);

static system_call plain_call(void) {
  static system_call original;
  if (original == NULL) original = (system_call)dlsym(RTLD_NEXT, "syscall");
  return original;
}

#define CALL plain_call()

static void log_line(const char *name, const char *path) {
  const char *file = getenv("LLMF_FAULT_LOG"), *folder = getenv("LLMF_FAULT_BELOW");
  if (file == NULL) return;
  const size_t start = path[0] == '/' ? strlen(folder) : 0;
  char line[4200];
  const int length = snprintf(line, sizeof line, "%s\t%.4096s\n", name, path + start);
  const long log = CALL(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (log < 0) return;
  CALL(SYS_write, log, line, length);
  CALL(SYS_close, log);
}

static int is_below(const char *path) {
  const char *folder = getenv("LLMF_FAULT_BELOW");
  char whole[8192];
  if (folder == NULL || path == NULL) return 0;
  if (path[0] != '/') {
    char here[4096];
    if (CALL(SYS_getcwd, here, sizeof here) <= 0) return 0;
    snprintf(whole, sizeof whole, "%s/%s", here, path);
    path = whole;
  }
  const size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static enum verdict judge(const char *name, const char *path) {
  if (!is_below(path)) return goes_on;
  log_line(name, path);
  const char *at = getenv("LLMF_FAULT_AT"), *with = getenv("LLMF_FAULT_WITH");
  const long number = atomic_fetch_add(&counted, 1) + 1;
  if (at == NULL || with == NULL || number < atol(at)) return goes_on;
  if (strcmp(with, "full") == 0) {
    if (strstr(name, "write") == NULL && strstr(name, "copy") == NULL && strcmp(name, "mkdir") != 0) return goes_on;
    errno = ENOSPC;
    return fails;
  }
  if (number != atol(at)) return goes_on;
  if (strcmp(with, "kill") == 0) {
    CALL(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  if (strcmp(with, "short") == 0) return moves_half;
  errno = atoi(with);
  return fails;
}

static enum verdict judge_open_file(const char *name, int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const long length = CALL(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length <= 0 || path[0] != '/') return goes_on; /* a pipe, a socket */
  path[length] = 0;
  return judge(name, path);
}

static size_t half(size_t size) { return size > 1 ? size / 2 : size; }

#define ORIGINAL(name) \
  static __typeof__(&name) original; \
  if (original == NULL) original = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define MODE(flags) \
  mode_t mode = 0; \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

int open(const char *path, int flags, ...) {
  ORIGINAL(open);
  MODE(flags)
  return judge("open", path) == fails ? -1 : original(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  ORIGINAL(open64);
  MODE(flags)
  return judge("open", path) == fails ? -1 : original(path, flags, mode);
}

/* Operations on one path. */
#define ON_PATH(name, path, parameters, arguments) \
  int name parameters { \
    ORIGINAL(name); \
    return judge(#name, path) == fails ? -1 : original arguments; \
  }

ON_PATH(access, path, (const char *path, int mode), (path, mode))
ON_PATH(mkdir, path, (const char *path, mode_t mode), (path, mode))
ON_PATH(rmdir, path, (const char *path), (path))
ON_PATH(unlink, path, (const char *path), (path))
ON_PATH(rename, to, (const char *from, const char *to), (from, to))
ON_PATH(link, to, (const char *from, const char *to), (from, to))
ON_PATH(symlink, to, (const char *from, const char *to), (from, to))

/* Looks at a path. */
int scandir(const char *path, struct dirent ***names, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)) {
  ORIGINAL(scandir);
  return judge("scandir", path) == fails ? -1 : original(path, names, filter, compare);
}

int scandir64(const char *path, struct dirent64 ***names, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  ORIGINAL(scandir64);
  return judge("scandir", path) == fails ? -1 : original(path, names, filter, compare);
}

DIR *opendir(const char *path) {
  ORIGINAL(opendir);
  return judge("opendir", path) == fails ? NULL : original(path);
}

char *realpath(const char *path, char *found) {
  ORIGINAL(realpath);
  return judge("realpath", path) == fails ? NULL : original(path, found);
}

ssize_t readlink(const char *path, char *found, size_t size) {
  ORIGINAL(readlink);
  return judge("readlink", path) == fails ? -1 : original(path, found, size);
}

/*
 * What libuv asks of the system itself: statx, where an open file goes by an empty path; copies within the system; and the
 * end of a file, which is closed whatever is said of it.
 */
long syscall(long number, ...) {
  long values[6];
  va_list rest;
  va_start(rest, number);
  for (int at = 0; at < 6; at++) values[at] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_statx) {
    const char *path = (const char *)values[1];
    const enum verdict verdict =
        path != NULL && path[0] == 0 ? judge_open_file("fstat", (int)values[0]) : judge("stat", path);
    if (verdict == fails) return -1;
  }
  if (number == SYS_copy_file_range) {
    const enum verdict verdict = judge_open_file("copy_file_range", (int)values[2]);
    if (verdict == fails) return -1;
    if (verdict == moves_half) values[4] = half(values[4]);
  }
  if (number == SYS_close && judge_open_file("close", (int)values[0]) == fails) {
    const int reason = errno;
    CALL(SYS_close, values[0]);
    errno = reason;
    return -1;
  }
  return CALL(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

/* Operations on an open file that move no bytes. */
#define ON_FILE(name, parameters, arguments) \
  int name parameters { \
    ORIGINAL(name); \
    return judge_open_file(#name, file) == fails ? -1 : original arguments; \
  }

ON_FILE(fsync, (int file), (file))
ON_FILE(fdatasync, (int file), (file))
ON_FILE(ftruncate, (int file, off_t size), (file, size))
ON_FILE(ftruncate64, (int file, off64_t size), (file, size))

/* Operations that move bytes, fewer of them where that is asked for. */
#define MOVES(name, file, size, parameters, arguments) \
  ssize_t name parameters { \
    ORIGINAL(name); \
    const enum verdict verdict = judge_open_file(#name, file); \
    if (verdict == fails) return -1; \
    if (verdict == moves_half) size = half(size); \
    return original arguments; \
  }

MOVES(read, file, size, (int file, void *bytes, size_t size), (file, bytes, size))
MOVES(pread, file, size, (int file, void *bytes, size_t size, off_t at), (file, bytes, size, at))
MOVES(pread64, file, size, (int file, void *bytes, size_t size, off64_t at), (file, bytes, size, at))
MOVES(write, file, size, (int file, const void *bytes, size_t size), (file, bytes, size))
MOVES(pwrite, file, size, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at))
MOVES(pwrite64, file, size, (int file, const void *bytes, size_t size, off64_t at), (file, bytes, size, at))
MOVES(copy_file_range, to, size,
      (int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags),
      (from, from_at, to, to_at, size, flags))
MOVES(sendfile64, to, size, (int to, int from, off64_t *at, size_t size), (to, from, at, size))

ssize_t writev(int file, const struct iovec *parts, int count) {
  ORIGINAL(writev);
  const enum verdict verdict = judge_open_file("writev", file);
  if (verdict == fails) return -1;
  if (verdict == moves_half) return write(file, parts[0].iov_base, half(parts[0].iov_len));
  return original(file, parts, count);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
  ORIGINAL(pwritev);
  const enum verdict verdict = judge_open_file("pwritev", file);
  if (verdict == fails) return -1;
  if (verdict == moves_half) return pwrite(file, parts[0].iov_base, half(parts[0].iov_len), at);
  return original(file, parts, count, at);
}
