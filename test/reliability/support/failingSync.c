/* Lets the nth sync, or the nth write to a database's log, of a process fail with EIO, and all after it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

static long counted;

static int fails(const char *name) {
  const char *wanted = getenv("FAIL_CALL"), *at = getenv("FAIL_AT");
  if (!wanted || !at || strcmp(wanted, name)) return 0;
  return __sync_add_and_fetch(&counted, 1) >= atol(at);
}

static int isJournal(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "journal-") != NULL || strstr(path, "journal.mark") != NULL;
}

int fdatasync(int fd) {
  if (isJournal(fd) && fails("sync")) { errno = EIO; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

int fsync(int fd) {
  if (isJournal(fd) && fails("sync")) { errno = EIO; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  if (isJournal(fd) && fails("write")) { errno = EIO; return -1; }
  return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64"))(fd, bytes, count, offset);
}
