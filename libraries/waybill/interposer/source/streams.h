/* Buffered files: libc writes them past every function above, so watched ones get writing functions of ours. */

struct stream { FILE *file; int fd; struct stream *next; };
static struct stream *streams;
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t stream_read(void *cookie, char *bytes, size_t size) { return read(((struct stream *)cookie)->fd, bytes, size); }
static ssize_t stream_write(void *cookie, const char *bytes, size_t size)
{
    ssize_t done = write(((struct stream *)cookie)->fd, bytes, size);
    return done < 0 ? 0 : done; /* 0 is how such a function says that it failed */
}
static int stream_seek(void *cookie, off64_t *offset, int whence)
{
    off_t place = lseek(((struct stream *)cookie)->fd, *offset, whence);
    if (place < 0) return -1;
    *offset = place;
    return 0;
}
static int stream_close(void *cookie)
{
    struct stream *stream = cookie;
    pthread_mutex_lock(&streams_lock);
    for (struct stream **link = &streams; *link; link = &(*link)->next)
        if (*link == stream) {
            *link = stream->next;
            break;
        }
    pthread_mutex_unlock(&streams_lock);
    int done = close(stream->fd);
    free(stream);
    return done;
}

/* A stream over a descriptor, whose bytes pass the functions above; NULL where there is no memory. */
static FILE *stream_over(int fd, const char *mode)
{
    struct stream *stream = malloc(sizeof *stream);
    if (!stream) return NULL;
    stream->fd = fd;
    FILE *file = fopencookie(stream, mode, (cookie_io_functions_t){ stream_read, stream_write, stream_seek, stream_close });
    if (!file) {
        free(stream);
        return NULL;
    }
    stream->file = file;
    pthread_mutex_lock(&streams_lock);
    stream->next = streams;
    streams = stream;
    pthread_mutex_unlock(&streams_lock);
    return file;
}

static int flags_of(const char *mode)
{
    int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
    if (*mode == 'w') flags |= O_CREAT | O_TRUNC;
    if (*mode == 'a') flags |= O_CREAT | O_APPEND;
    if (strchr(mode, 'x')) flags |= O_EXCL;
    if (strchr(mode, 'e')) flags |= O_CLOEXEC;
    return flags;
}

FILE *fopen(const char *name, const char *mode)
{
    char path[PATH_MAX];
    if (!table || inside || !spelled(AT_FDCWD, name, path) || !is_watched(path)) return CALL(fopen)(name, mode);
    int fd = open_it(AT_FDCWD, name, flags_of(mode), 0666);
    if (fd < 0) return NULL;
    FILE *file = stream_over(fd, mode);
    if (!file) close(fd);
    return file;
}
FILE *fopen64(const char *name, const char *mode) { return fopen(name, mode); }

FILE *fdopen(int fd, const char *mode)
{
    char path[PATH_MAX];
    if (!table || inside || !path_of(fd, path) || !is_watched(path)) return CALL(fdopen)(fd, mode);
    return stream_over(fd, mode);
}

static int fileno_it(FILE *file)
{
    int fd = -1;
    pthread_mutex_lock(&streams_lock);
    for (struct stream *stream = streams; stream; stream = stream->next)
        if (stream->file == file) fd = stream->fd;
    pthread_mutex_unlock(&streams_lock);
    return fd >= 0 ? fd : CALL(fileno)(file);
}
int fileno(FILE *file) { return fileno_it(file); }
int fileno_unlocked(FILE *file) { return fileno_it(file); }
