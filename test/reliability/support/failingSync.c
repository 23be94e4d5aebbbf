/* Lets the nth sync, or the nth write to a database's log, of a process fail with EIO, and all after it: of the journal's
   files, or of what has FAIL_PATH in its path. Tells SYNC_LOG the paths that were synced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
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

static int pathOf(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int concerns(int fd) {
  char path[4096];
  const char *part = getenv("FAIL_PATH");
  if (!pathOf(fd, path, sizeof path)) return 0;
  if (part) return strstr(path, part) != NULL;
  return strstr(path, "journal-") != NULL || strstr(path, "journal.mark") != NULL;
}

static int synced(int fd, const char *call) {
  if (concerns(fd) && fails("sync")) { errno = EIO; return -1; }
  int done = ((int (*)(int))dlsym(RTLD_NEXT, call))(fd);
  char path[4096];
  const char *log = getenv("SYNC_LOG");
  if (done == 0 && log && pathOf(fd, path, sizeof path)) {
    int to = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dprintf(to, "%s\n", path);
    close(to);
  }
  return done;
}

int fdatasync(int fd) { return synced(fd, "fdatasync"); }

int fsync(int fd) { return synced(fd, "fsync"); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  if (concerns(fd) && fails("write")) { errno = EIO; return -1; }
  return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64"))(fd, bytes, count, offset);
}
