/*
 * A disk that forgets: loaded before libc (LD_PRELOAD) into the database server and the log process, it keeps beside the
 * files of some folders what of them would survive a power failure. What was written and not synced is in the files,
 * where every process sees it, and not in the store; a crash image is made from the store.
 *
 *   UNSYNCED_ROOTS  folders that are watched, real paths with colons between
 *   UNSYNCED_STORE  the store, on the same file system:
 *     ino/<inode>    durable content: as of the last fsync or fdatasync of the file
 *     dirty/<inode>  since then: the smallest size it was cut to (8 bytes), then a byte for each block that was written
 *     grave/<inode>  a second name of what was removed, so that its number is not used again
 *     log            creations, renames and removals in order; a line "J" makes all lines before it durable, as the
 *                    journal of a file system does with any sync
 *   UNSYNCED_LIES   when set, syncs succeed and do nothing: what a disk does that must not be trusted
 *
 * Only what PostgreSQL and Node call is caught: no memory maps of data files, no writes through stdio that matter.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096
#define HEADER 64
#define MAX_FD 65536
#define MAP_BYTES (HEADER + (1024L * 1024 * 1024) / BLOCK + 16)
#define DIRECTORY ((uint8_t *)-1)

/* Per file descriptor: the dirty map of its file, DIRECTORY, or nothing. Inherited over fork, as descriptors are. */
static uint8_t *maps[MAX_FD];
static uint64_t inodes[MAX_FD];
static char always_synced[MAX_FD];

static char roots[8][PATH_MAX];
static int root_count;
static char store[PATH_MAX];
static int log_fd = -1;
static int lies;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_truncate)(const char *, off_t);
static int (*real_posix_fallocate)(int, off_t, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static ssize_t (*real_copy_file_range)(int, off_t *, int, off_t *, size_t, unsigned);
static int (*real_fsync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_link)(const char *, const char *);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rmdir)(const char *);

static void *next(const char *name) {
	void *found = dlsym(RTLD_NEXT, name);
	if (!found) abort();
	return found;
}

static void __attribute__((constructor)) begin(void) {
	if (log_fd >= 0) return;
	real_open = next("open");
	real_close = next("close");
	real_write = next("write");
	real_pwrite = next("pwrite");
	real_writev = next("writev");
	real_pwritev = next("pwritev");
	real_ftruncate = next("ftruncate");
	real_truncate = next("truncate");
	real_posix_fallocate = next("posix_fallocate");
	real_fallocate = next("fallocate");
	real_copy_file_range = next("copy_file_range");
	real_fsync = next("fsync");
	real_rename = next("rename");
	real_unlink = next("unlink");
	real_link = next("link");
	real_mkdir = next("mkdir");
	real_rmdir = next("rmdir");
	lies = getenv("UNSYNCED_LIES") != NULL;
	const char *place = getenv("UNSYNCED_STORE");
	const char *list = getenv("UNSYNCED_ROOTS");
	if (!place || !list) return;
	snprintf(store, sizeof store, "%s", place);
	for (const char *at = list; *at && root_count < 8;) {
		size_t length = strcspn(at, ":");
		snprintf(roots[root_count++], PATH_MAX, "%.*s", (int)length, at);
		at += length + (at[length] == ':');
	}
	char path[PATH_MAX + 16];
	snprintf(path, sizeof path, "%s/log", store);
	int fd = real_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0) abort();
	/* Out of the way of programs that close or count the low numbers. */
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
	real_close(fd);
	if (log_fd < 0) abort();
}

/* The absolute path without "." parts; false when it is not below a root. */
static int watched(const char *path, char *absolute) {
	if (log_fd < 0) begin();
	if (!path || root_count == 0) return 0;
	char raw[2 * PATH_MAX];
	if (path[0] == '/') snprintf(raw, sizeof raw, "%s", path);
	else {
		char here[PATH_MAX];
		if (!getcwd(here, sizeof here)) return 0;
		snprintf(raw, sizeof raw, "%s/%s", here, path);
	}
	size_t out = 0;
	for (char *save, *part = strtok_r(raw, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (strcmp(part, ".") == 0) continue;
		size_t length = strlen(part);
		if (out + length + 2 > PATH_MAX) return 0;
		absolute[out++] = '/';
		memcpy(absolute + out, part, length);
		out += length;
	}
	absolute[out] = 0;
	for (int i = 0; i < root_count; i++) {
		size_t length = strlen(roots[i]);
		if (strncmp(absolute, roots[i], length) == 0 && (absolute[length] == '/' || absolute[length] == 0)) return 1;
	}
	return 0;
}

static void record(const char *format, ...) {
	char line[3 * PATH_MAX];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	/* One write with O_APPEND: the lines of all processes in one order. */
	if (length <= 0 || real_write(log_fd, line, length) != length) abort();
}

static uint8_t *map_of(uint64_t inode) {
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/dirty/%lu", store, (unsigned long)inode);
	int fd = real_open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		char draft[PATH_MAX + 96];
		snprintf(draft, sizeof draft, "%s.%d.%p", path, getpid(), (void *)&fd);
		fd = real_open(draft, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		uint64_t whole = UINT64_MAX;
		if (fd < 0 || real_pwrite(fd, &whole, sizeof whole, 0) != sizeof whole || real_ftruncate(fd, MAP_BYTES) != 0) abort();
		fchmod(fd, 0666);
		/* Whoever was first has the map that counts. */
		if (real_link(draft, path) != 0) {
			real_close(fd);
			fd = real_open(path, O_RDWR | O_CLOEXEC);
		}
		real_unlink(draft);
	}
	if (fd < 0) abort();
	uint8_t *map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	real_close(fd);
	if (map == MAP_FAILED) abort();
	return map;
}

static void mark(uint8_t *map, uint64_t from, uint64_t to) {
	for (uint64_t block = from / BLOCK; block * BLOCK < to; block++)
		if (HEADER + block < MAP_BYTES) atomic_store((_Atomic uint8_t *)(map + HEADER + block), 1);
}

static void cut(uint8_t *map, uint64_t size, uint64_t before) {
	_Atomic uint64_t *smallest = (_Atomic uint64_t *)map;
	uint64_t known = atomic_load(smallest);
	while (size < known && !atomic_compare_exchange_weak(smallest, &known, size)) continue;
	/* What comes back behind the cut is zeros until it is written. */
	mark(map, size, before > size ? before : size);
}

static void track(int fd, int flags) {
	struct stat found;
	if (fd < 0 || fd >= MAX_FD || fstat(fd, &found) != 0) return;
	maps[fd] = S_ISDIR(found.st_mode) ? DIRECTORY : S_ISREG(found.st_mode) ? map_of(found.st_ino) : NULL;
	inodes[fd] = found.st_ino;
	always_synced[fd] = (flags & O_DSYNC) != 0;
}

/* The map of a watched regular file; a number that was closed behind our back and used again is let go. */
static uint8_t *map_at(int fd) {
	if (fd < 0 || fd >= MAX_FD || !maps[fd] || maps[fd] == DIRECTORY) return NULL;
	struct stat found;
	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_ino == inodes[fd]) return maps[fd];
	maps[fd] = NULL;
	return NULL;
}

/* Brings the durable content of the file up to what has been written when the call began. */
static int make_durable(int fd) {
	if (fd >= 0 && fd < MAX_FD && maps[fd] == DIRECTORY) {
		record("J\n");
		return 0;
	}
	uint8_t *map = map_at(fd);
	char link_path[64], path[PATH_MAX + 64], absolute[PATH_MAX];
	snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
	if (!map) {
		/* Opened by libc itself, for stdio: found by its name, and all of it counts as written. */
		ssize_t length = readlink(link_path, path, PATH_MAX - 1);
		if (length <= 0) return -1;
		path[length] = 0;
		if (!watched(path, absolute)) return -1;
		track(fd, 0);
		map = map_at(fd);
		if (!map) {
			record("J\n");
			return 0;
		}
		struct stat found;
		if (fstat(fd, &found) != 0) return -1;
		record("C %lu %s\n", (unsigned long)found.st_ino, absolute);
		mark(map, 0, found.st_size);
	}
	snprintf(path, sizeof path, "%s/ino/%lu", store, (unsigned long)inodes[fd]);
	int from = real_open(link_path, O_RDONLY | O_CLOEXEC);
	int to = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	/* One at a time: nobody may return while another still copies what he relies on. */
	if (from < 0 || to < 0 || flock(to, LOCK_EX) != 0) abort();
	struct stat now, kept;
	if (fstat(from, &now) != 0 || fstat(to, &kept) != 0) abort();
	uint64_t smallest = atomic_exchange((_Atomic uint64_t *)map, UINT64_MAX);
	if (smallest < (uint64_t)kept.st_size && real_ftruncate(to, smallest) != 0) abort();
	static __thread char buffer[BLOCK];
	for (uint64_t block = 0; block * BLOCK < (uint64_t)now.st_size; block++) {
		if (!atomic_load((_Atomic uint8_t *)(map + HEADER + block))) continue;
		atomic_store((_Atomic uint8_t *)(map + HEADER + block), 0);
		ssize_t got = pread(from, buffer, BLOCK, block * BLOCK);
		if (got > 0 && real_pwrite(to, buffer, got, block * BLOCK) != got) abort();
	}
	if (real_ftruncate(to, now.st_size) != 0) abort();
	record("J\n");
	real_close(from);
	real_close(to);
	return 0;
}

static int sync_file(int fd) {
	if (log_fd < 0) begin();
	if (root_count == 0) return real_fsync(fd);
	if (lies) return 0;
	return make_durable(fd) == 0 ? 0 : real_fsync(fd);
}

int fsync(int fd) { return sync_file(fd); }
int fdatasync(int fd) { return sync_file(fd); }

static int open_watched(const char *path, int flags, mode_t mode) {
	char absolute[PATH_MAX];
	if (!watched(path, absolute) || (flags & O_TMPFILE) == O_TMPFILE) return real_open(path, flags, mode);
	struct stat before;
	int existed = stat(path, &before) == 0;
	int fd = real_open(path, flags, mode);
	if (fd < 0) return fd;
	track(fd, flags);
	uint8_t *map = map_at(fd);
	if (!map) return fd;
	if (!existed && (flags & O_CREAT)) record("C %lu %s\n", (unsigned long)inodes[fd], absolute);
	else if (flags & O_TRUNC) cut(map, 0, before.st_size);
	return fd;
}

int open(const char *path, int flags, ...) {
	mode_t mode = 0;
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_list arguments;
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return open_watched(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
	mode_t mode = 0;
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_list arguments;
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return open_watched(path, flags, mode);
}
int __open_2(const char *path, int flags) { return open_watched(path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_watched(path, flags, 0); }

int close(int fd) {
	if (!real_close) begin();
	if (fd == log_fd) return 0;
	if (fd >= 0 && fd < MAX_FD && maps[fd]) {
		if (maps[fd] != DIRECTORY) munmap(maps[fd], MAP_BYTES);
		maps[fd] = NULL;
	}
	return real_close(fd);
}

static ssize_t written(int fd, ssize_t count, off_t at) {
	int error = errno;
	uint8_t *map = count > 0 ? map_at(fd) : NULL;
	if (map) {
		/* After the write: a sync that takes the mark away must find the bytes. */
		mark(map, at, at + count);
		if (always_synced[fd] && !lies) make_durable(fd);
	}
	errno = error;
	return count;
}

static ssize_t written_here(int fd, ssize_t count) {
	if (count <= 0 || !map_at(fd)) return count;
	return written(fd, count, lseek(fd, 0, SEEK_CUR) - count);
}

ssize_t write(int fd, const void *bytes, size_t count) {
	if (!real_write) begin();
	return written_here(fd, real_write(fd, bytes, count));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
	if (!real_writev) begin();
	return written_here(fd, real_writev(fd, parts, count));
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
	return written(fd, real_pwrite(fd, bytes, count, at), at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
	return written(fd, real_pwrite(fd, bytes, count, at), at);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
	return written(fd, real_pwritev(fd, parts, count, at), at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
	return written(fd, real_pwritev(fd, parts, count, at), at);
}

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t length, unsigned flags) {
	off_t at = to_at ? *to_at : lseek(to, 0, SEEK_CUR);
	return written(to, real_copy_file_range(from, from_at, to, to_at, length, flags), at);
}

int ftruncate(int fd, off_t size) {
	struct stat before;
	uint8_t *map = map_at(fd);
	if (map && fstat(fd, &before) != 0) return -1;
	int result = real_ftruncate(fd, size);
	if (map && result == 0 && size < before.st_size) cut(map, size, before.st_size);
	return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int truncate(const char *path, off_t size) {
	char absolute[PATH_MAX];
	struct stat before;
	if (!watched(path, absolute) || stat(path, &before) != 0) return real_truncate(path, size);
	int result = real_truncate(path, size);
	if (result == 0 && size < before.st_size) {
		uint8_t *map = map_of(before.st_ino);
		cut(map, size, before.st_size);
		munmap(map, MAP_BYTES);
	}
	return result;
}
int truncate64(const char *path, off_t size) { return truncate(path, size); }

int posix_fallocate(int fd, off_t at, off_t length) {
	int result = real_posix_fallocate(fd, at, length);
	if (result == 0) written(fd, length, at);
	return result;
}
int posix_fallocate64(int fd, off_t at, off_t length) { return posix_fallocate(fd, at, length); }

int fallocate(int fd, int mode, off_t at, off_t length) {
	int result = real_fallocate(fd, mode, at, length);
	if (result == 0) written(fd, length, at);
	return result;
}

/* Gives what is about to lose its name a second one, and answers its number; 0 when there is no such file. */
static uint64_t bury(const char *path) {
	struct stat found;
	if (lstat(path, &found) != 0 || !S_ISREG(found.st_mode)) return 0;
	char grave[PATH_MAX + 64];
	snprintf(grave, sizeof grave, "%s/grave/%lu", store, (unsigned long)found.st_ino);
	if (real_link(path, grave) != 0 && errno != EEXIST && errno != ENOENT) abort();
	return found.st_ino;
}

int unlink(const char *path) {
	char absolute[PATH_MAX];
	if (!watched(path, absolute)) return real_unlink(path);
	uint64_t inode = bury(path);
	int result = real_unlink(path);
	if (result == 0) record("U %lu %s\n", (unsigned long)inode, absolute);
	return result;
}

int rename(const char *from, const char *to) {
	char absolute_from[PATH_MAX], absolute_to[PATH_MAX];
	if (!watched(from, absolute_from) || !watched(to, absolute_to)) return real_rename(from, to);
	struct stat found;
	if (stat(from, &found) != 0) return real_rename(from, to);
	bury(to);
	int result = real_rename(from, to);
	if (result == 0) record("R %lu %s\t%s\n", (unsigned long)found.st_ino, absolute_from, absolute_to);
	return result;
}

int link(const char *from, const char *to) {
	char absolute[PATH_MAX];
	if (!watched(to, absolute)) return real_link(from, to);
	struct stat found;
	int result = real_link(from, to);
	if (result == 0 && stat(to, &found) == 0) record("C %lu %s\n", (unsigned long)found.st_ino, absolute);
	return result;
}

int mkdir(const char *path, mode_t mode) {
	char absolute[PATH_MAX];
	if (!watched(path, absolute)) return real_mkdir(path, mode);
	int result = real_mkdir(path, mode);
	if (result == 0) record("M 0 %s\n", absolute);
	return result;
}

int rmdir(const char *path) {
	char absolute[PATH_MAX];
	if (!watched(path, absolute)) return real_rmdir(path);
	int result = real_rmdir(path);
	if (result == 0) record("D 0 %s\n", absolute);
	return result;
}
