/* Opening. */

static int open_it(int directory, const char *name, int flags, mode_t mode)
{
    ssize_t outcome;
    struct rule *rule = NULL;
    if (any(OPEN)) {
        uint32_t action = on_path(OPEN, directory, name, &rule);
        if (before(action, rule, -1, &outcome)) return (int)outcome;
        if (action == KILL_AFTER) {
            CALL(openat)(directory, name, flags, mode);
            end_here();
        }
    }
    if (!power() || !((flags & O_CREAT) || (flags & O_TRUNC))) return CALL(openat)(directory, name, flags, mode);
    char path[PATH_MAX];
    struct stat about;
    if (!spelled(directory, name, path) || !is_watched(path)) return CALL(openat)(directory, name, flags, mode);
    inside++;
    int was_there = !stat(path, &about);
    if (was_there && (flags & O_TRUNC) && S_ISREG(about.st_mode)) {
        int fd = CALL(openat)(directory, name, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            keep_bytes(fd, 0, (size_t)about.st_size);
            close(fd);
        }
    }
    int fd = CALL(openat)(directory, name, flags, mode);
    int kept = errno;
    if (fd >= 0 && !was_there && !fstat(fd, &about)) keep_name(CREATED, path, NULL, &about, 0);
    errno = kept;
    inside--;
    return fd;
}

static mode_t mode_of(int flags, va_list rest)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define OPENER(function, parameters, directory, flags) \
    int function parameters { va_list rest; va_start(rest, flags_); mode_t mode = mode_of(flags_, rest); va_end(rest); \
        return open_it(directory, name, flags, mode); }
OPENER(open, (const char *name, int flags_, ...), AT_FDCWD, flags_)
OPENER(open64, (const char *name, int flags_, ...), AT_FDCWD, flags_ | O_LARGEFILE)
OPENER(openat, (int at, const char *name, int flags_, ...), at, flags_)
OPENER(openat64, (int at, const char *name, int flags_, ...), at, flags_ | O_LARGEFILE)
int creat(const char *name, mode_t mode) { return open_it(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *name, mode_t mode) { return creat(name, mode); }
int __open_2(const char *name, int flags) { return open_it(AT_FDCWD, name, flags, 0); }
int __open64_2(const char *name, int flags) { return open_it(AT_FDCWD, name, flags | O_LARGEFILE, 0); }
int __openat_2(int at, const char *name, int flags) { return open_it(at, name, flags, 0); }
int __openat64_2(int at, const char *name, int flags) { return open_it(at, name, flags | O_LARGEFILE, 0); }
