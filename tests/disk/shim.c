/* A faulty disk under one folder, and a faulty network, for programs that are started with this preloaded.

   What is written below the folder that is watched really goes to the file, and is remembered with what
   stood there before until the file is synced. A power cut then takes back what was not synced: all of it,
   or some of its sectors. Any call that is watched can be made to fail, or to be the last one of a process:
   from then on nothing of that process reaches the disk. Tests control it through the functions at the end,
   or through the environment variable TIDEGATE_DISK (see `from_environment`). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, TRUNCATE = 8, UNLINK = 16, RENAME = 32, CONNECT = 64, SEND = 128, RECV = 256, READ = 512 };
enum { NOTHING = 0, FAIL = 1, DIE_BEFORE = 2, DIE_AFTER = 3, SHORT = 4, EXIT = 5 };

#define FILES 256
#define FDS 4096
#define SECTOR 512

typedef struct { char path[PATH_MAX]; int fresh; } File;
typedef struct { int file; int cut; off_t at; size_t length, had; off_t size; unsigned char *old; } Undo;

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static File files[FILES];
static int file_count;
static int file_of[FDS]; /* 0: not watched; -1: the folder itself; else the number of a file, and one */
static int socket_of[FDS];
static Undo *undo;
static size_t undo_count, undo_room;
static int dead, sockets;
static long counted, nth;
static int mask, action, error_number, for_good;
static long seen[16];
static const char *tally;

#define REAL(kind, name, ...) \
  static kind (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = (kind (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* --- what is watched ------------------------------------------------------------------------------- */

static int is_watched(const char *path) {
  size_t length;
  if (!folder_length || !path || strncmp(path, folder, folder_length) || path[folder_length] != '/') return 0;
  length = strlen(path);
  return length < 4 || strcmp(path + length - 4, "-shm"); /* shared memory is no promise to anybody */
}

static int number_of(const char *path) {
  for (int i = 0; i < file_count; i++) if (!strcmp(files[i].path, path)) return i;
  if (file_count == FILES) return -1;
  snprintf(files[file_count].path, PATH_MAX, "%s", path);
  files[file_count].fresh = 0;
  return file_count++;
}

static int bit(int kind) { return __builtin_ctz((unsigned)kind); }

/* What becomes of a call of this kind: one of the actions; the caller holds the turn. */
static int consider(int kind) {
  seen[bit(kind)]++;
  if (dead && kind < CONNECT) return FAIL;
  if (!(kind & mask) || action == NOTHING) return NOTHING;
  counted++;
  if (counted == nth || (for_good && counted > nth)) return action;
  return NOTHING;
}

static int failed(void) { errno = dead ? EIO : error_number; return -1; }

static void die(void) { dead = 1; }

static void leave(void) { if (action == EXIT) _exit(137); }

/* --- what is remembered ---------------------------------------------------------------------------- */

static ssize_t raw_pread(int fd, void *data, size_t length, off_t at) {
  REAL(ssize_t, pread64, int, void *, size_t, off_t);
  return real_pread64(fd, data, length, at);
}

static ssize_t raw_pwrite(int fd, const void *data, size_t length, off_t at) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
  return real_pwrite64(fd, data, length, at);
}

static void remember(int fd, int file, off_t at, size_t length, int cut) {
  struct stat now;
  ssize_t had;
  Undo *one;
  if (fstat(fd, &now)) return;
  if (undo_count == undo_room) {
    undo_room = undo_room ? undo_room * 2 : 256;
    undo = realloc(undo, undo_room * sizeof(Undo));
  }
  one = &undo[undo_count++];
  one->file = file; one->cut = cut; one->at = at; one->length = length; one->size = now.st_size; one->had = 0;
  one->old = malloc(length ? length : 1);
  had = raw_pread(fd, one->old, length, at);
  one->had = had > 0 ? (size_t)had : 0;
  memset(one->old + one->had, 0, length - one->had);
}

static void forget(int file) {
  size_t kept = 0;
  for (size_t i = 0; i < undo_count; i++)
    if (undo[i].file == file) free(undo[i].old); else undo[kept++] = undo[i];
  undo_count = kept;
}

static void settle(int fd) {
  if (file_of[fd] > 0) forget(file_of[fd] - 1);
  if (file_of[fd] < 0) for (int i = 0; i < file_count; i++) files[i].fresh = 0;
}

/* --- calls on files -------------------------------------------------------------------------------- */

static int opened(int at, const char *path, int flags, mode_t mode) {
  REAL(int, openat64, int, const char *, int, ...);
  struct stat now;
  int watched = is_watched(path), fresh, fd, what = NOTHING;
  if (!watched && !(folder_length && path && !strcmp(path, folder)))
    return real_openat64(at, path, flags, mode);
  pthread_mutex_lock(&turn);
  if (watched) what = consider(OPEN);
  if (what == DIE_BEFORE) die();
  if (what == EXIT) leave();
  if (what == FAIL || what == DIE_BEFORE || what == SHORT) { pthread_mutex_unlock(&turn); return failed(); }
  fresh = watched && (flags & O_CREAT) && stat(path, &now);
  fd = real_openat64(at, path, flags, mode);
  if (fd >= 0 && fd < FDS) {
    int number = watched ? number_of(path) : -2;
    file_of[fd] = number + 1;
    if (fresh && number >= 0) files[number].fresh = 1;
    if (watched && (flags & O_TRUNC) && number >= 0) forget(number);
  }
  if (what == DIE_AFTER) die();
  pthread_mutex_unlock(&turn);
  return fd;
}

#define OPENING(name) \
  int name(const char *path, int flags, ...) { \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    return opened(AT_FDCWD, path, flags, mode); \
  }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name) \
  int name(int at, const char *path, int flags, ...) { \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    return opened(at, path, flags, mode); \
  }
OPENING_AT(openat)
OPENING_AT(openat64)

int close(int fd) {
  REAL(int, close, int);
  if (fd >= 0 && fd < FDS) { file_of[fd] = 0; socket_of[fd] = 0; }
  return real_close(fd);
}

static ssize_t written(int fd, const void *data, size_t length, off_t at) {
  ssize_t done = -1;
  int what;
  pthread_mutex_lock(&turn);
  what = consider(WRITE);
  if (what == DIE_BEFORE) die();
  if (what == EXIT) leave();
  if (what == FAIL || what == DIE_BEFORE) { pthread_mutex_unlock(&turn); return failed(); }
  if (what == SHORT) length = length / 2;
  remember(fd, file_of[fd] - 1, at, length, 0);
  done = raw_pwrite(fd, data, length, at);
  if (what == DIE_AFTER) { die(); done = failed(); }
  if (what == SHORT && error_number) { errno = error_number; done = -1; }
  pthread_mutex_unlock(&turn);
  return done;
}

#define WRITING_AT(name) \
  ssize_t name(int fd, const void *data, size_t length, off_t at) { \
    REAL(ssize_t, name, int, const void *, size_t, off_t); \
    if (fd >= 0 && fd < FDS && file_of[fd] > 0) return written(fd, data, length, at); \
    return real_##name(fd, data, length, at); \
  }
WRITING_AT(pwrite)
WRITING_AT(pwrite64)

ssize_t write(int fd, const void *data, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (fd >= 0 && fd < FDS && file_of[fd] > 0) {
    off_t at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t done = written(fd, data, length, at);
    if (done > 0) lseek(fd, at + done, SEEK_SET);
    return done;
  }
  return real_write(fd, data, length);
}

#define READING_AT(name) \
  ssize_t name(int fd, void *data, size_t length, off_t at) { \
    int what = NOTHING; \
    REAL(ssize_t, name, int, void *, size_t, off_t); \
    if (fd >= 0 && fd < FDS && file_of[fd] > 0) { \
      pthread_mutex_lock(&turn); \
      what = (mask & READ) ? consider(READ) : NOTHING; \
      if (what == DIE_BEFORE || what == DIE_AFTER) die(); \
      pthread_mutex_unlock(&turn); \
      if (what == EXIT) leave(); \
      if (what != NOTHING) return failed(); \
    } \
    return real_##name(fd, data, length, at); \
  }
READING_AT(pread)
READING_AT(pread64)

/* A sync that fails may have lost what it should have written, and the next one knows nothing of it. */
#define SYNCING(name) \
  int name(int fd) { \
    int what; \
    REAL(int, name, int); \
    if (fd < 0 || fd >= FDS || !file_of[fd]) return real_##name(fd); \
    pthread_mutex_lock(&turn); \
    what = consider(SYNC); \
    if (what == DIE_BEFORE) die(); \
    if (what == EXIT) leave(); \
    if (what == NOTHING || what == DIE_AFTER) settle(fd); \
    if (what == DIE_AFTER) die(); \
    pthread_mutex_unlock(&turn); \
    return what == NOTHING ? 0 : failed(); \
  }
SYNCING(fsync)
SYNCING(fdatasync)

#define TRUNCATING(name) \
  int name(int fd, off_t size) { \
    struct stat now; \
    int what, done; \
    REAL(int, name, int, off_t); \
    if (fd < 0 || fd >= FDS || file_of[fd] <= 0) return real_##name(fd, size); \
    pthread_mutex_lock(&turn); \
    what = consider(TRUNCATE); \
    if (what == DIE_BEFORE) die(); \
    if (what == EXIT) leave(); \
    if (what != NOTHING && what != DIE_AFTER) { pthread_mutex_unlock(&turn); return failed(); } \
    if (!fstat(fd, &now)) \
      remember(fd, file_of[fd] - 1, size < now.st_size ? size : now.st_size, size < now.st_size ? (size_t)(now.st_size - size) : 0, 1); \
    done = real_##name(fd, size); \
    if (what == DIE_AFTER) { die(); done = failed(); } \
    pthread_mutex_unlock(&turn); \
    return done; \
  }
TRUNCATING(ftruncate)
TRUNCATING(ftruncate64)

int unlink(const char *path) {
  int what = NOTHING;
  REAL(int, unlink, const char *);
  if (!is_watched(path)) return dead && folder_length && !strncmp(path, folder, folder_length) ? 0 : real_unlink(path);
  pthread_mutex_lock(&turn);
  what = consider(UNLINK);
  if (what == DIE_BEFORE || what == DIE_AFTER) die();
  if (what == EXIT) leave();
  if (what == NOTHING) forget(number_of(path));
  pthread_mutex_unlock(&turn);
  return what == NOTHING ? real_unlink(path) : failed();
}

int rename(const char *from, const char *to) {
  int what = NOTHING;
  REAL(int, rename, const char *, const char *);
  if (!is_watched(to)) return real_rename(from, to);
  pthread_mutex_lock(&turn);
  what = consider(RENAME);
  if (what == EXIT) leave();
  pthread_mutex_unlock(&turn);
  return what == NOTHING ? real_rename(from, to) : failed();
}

/* --- calls on sockets ------------------------------------------------------------------------------- */

static int trouble(int fd, int kind) {
  int what, family = 0;
  socklen_t size = sizeof family;
  if (!sockets || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) || family != AF_INET) return 0;
  pthread_mutex_lock(&turn);
  what = consider(kind);
  pthread_mutex_unlock(&turn);
  if (what == EXIT) leave();
  if (what == NOTHING) return 0;
  errno = error_number;
  return 1;
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  REAL(int, connect, int, const struct sockaddr *, socklen_t);
  if (trouble(fd, CONNECT)) return -1;
  return real_connect(fd, address, length);
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
  REAL(ssize_t, send, int, const void *, size_t, int);
  return trouble(fd, SEND) ? -1 : real_send(fd, data, length, flags);
}

ssize_t recv(int fd, void *data, size_t length, int flags) {
  REAL(ssize_t, recv, int, void *, size_t, int);
  return trouble(fd, RECV) ? -1 : real_recv(fd, data, length, flags);
}

/* --- for the tests ---------------------------------------------------------------------------------- */

void disk_watch(const char *path) {
  pthread_mutex_lock(&turn);
  for (size_t i = 0; i < undo_count; i++) free(undo[i].old);
  undo_count = 0; file_count = 0; dead = 0; mask = 0; action = NOTHING; counted = 0;
  memset(file_of, 0, sizeof file_of);
  memset(seen, 0, sizeof seen);
  snprintf(folder, sizeof folder, "%s", path ? path : "");
  folder_length = strlen(folder);
  pthread_mutex_unlock(&turn);
}

void disk_arm(int kinds, long number, int what, int error, int forever) {
  pthread_mutex_lock(&turn);
  mask = kinds; nth = number; action = what; error_number = error; for_good = forever; counted = 0;
  pthread_mutex_unlock(&turn);
}

int disk_is_dead(void) { return dead; }
void disk_set_dead(int is) { dead = is; }
long disk_counted(void) { return counted; }
long disk_unsynced(void) { return (long)undo_count; }
long disk_seen(int kind) { return seen[bit(kind)]; }

static uint64_t state;
static uint64_t dice(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/* Take back one write or truncation that was not synced: a share of its sectors, in 256ths. */
static void take_back(const Undo *one, unsigned share) {
  REAL(int, openat64, int, const char *, int, ...);
  REAL(int, ftruncate64, int, off_t);
  REAL(int, close, int);
  off_t end = one->at;
  int fd = real_openat64(AT_FDCWD, files[one->file].path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  if (one->cut) {
    if ((dice() & 255) < share) {
      if (one->length) raw_pwrite(fd, one->old, one->length, one->at); else real_ftruncate64(fd, one->size);
    }
  } else {
    for (size_t at = 0; at < one->length; at += SECTOR) {
      size_t length = one->length - at < SECTOR ? one->length - at : SECTOR;
      if ((dice() & 255) < share) raw_pwrite(fd, one->old + at, length, one->at + (off_t)at);
      else end = one->at + (off_t)(at + length);
    }
    if (end <= one->size && one->at + (off_t)one->length > one->size && (dice() & 1)) {
      struct stat now;
      if (!fstat(fd, &now) && now.st_size == one->at + (off_t)one->length) real_ftruncate64(fd, one->size);
    }
  }
  real_close(fd);
}

/* The power is cut: of what was not synced a share of the sectors is lost, or whole writes, or files that
   their folder does not know yet. Gives how many writes were not synced. */
long disk_lose(uint64_t seed) {
  REAL(int, unlink, const char *);
  long count;
  unsigned mode;
  pthread_mutex_lock(&turn);
  state = seed;
  mode = (unsigned)(dice() % 4);
  count = (long)undo_count;
  for (size_t i = undo_count; i-- > 0;) {
    unsigned share = mode == 0 ? 256 : mode == 1 ? ((dice() & 1) ? 256 : 0) : mode == 2 ? 128 : (unsigned)(dice() & 255);
    take_back(&undo[i], share);
    free(undo[i].old);
  }
  undo_count = 0;
  for (int i = 0; i < file_count; i++)
    if (files[i].fresh && (dice() & 1)) { real_unlink(files[i].path); files[i].fresh = 0; count++; }
  pthread_mutex_unlock(&turn);
  return count;
}

static void say_what_was_seen(void) {
  FILE *out = tally ? fopen(tally, "w") : NULL;
  if (!out) return;
  for (int i = 0; i < 10; i++) fprintf(out, "%d %ld\n", 1 << i, seen[i]);
  fclose(out);
}

/* TIDEGATE_DISK="folder:kinds:number:action:errno:forever[:file for the tally]", for programs in which no test runs. */
__attribute__((constructor)) static void from_environment(void) {
  const char *text = getenv("TIDEGATE_DISK");
  static char copy[2 * PATH_MAX];
  char *part[7] = {0}, *rest = copy;
  if (!text) return;
  snprintf(copy, sizeof copy, "%s", text);
  for (int i = 0; i < 7 && rest; i++) part[i] = strsep(&rest, ":");
  if (!part[5]) return;
  disk_watch(part[0]);
  disk_arm(atoi(part[1]), atol(part[2]), atoi(part[3]), atoi(part[4]), atoi(part[5]));
  sockets = 1;
  tally = part[6];
  atexit(say_what_was_seen);
}
