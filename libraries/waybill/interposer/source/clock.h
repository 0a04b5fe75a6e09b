/* The wall clock. */

/* Nanoseconds to add to the real wall clock now. */
static int64_t shift(const struct timespec *real)
{
    if (!table || !atomic_load_explicit(&table->clock_generation, memory_order_acquire)) return 0;
    for (;;) {
        uint32_t generation = atomic_load_explicit(&table->clock_generation, memory_order_acquire);
        int64_t offset = table->clock_offset, rate = table->clock_rate, anchor = table->clock_anchor;
        atomic_thread_fence(memory_order_acquire);
        if (!(generation & 1) && generation == atomic_load(&table->clock_generation)) {
            atomic_fetch_add_explicit(&table->clock_reads, 1, memory_order_relaxed);
            int64_t now = (int64_t)real->tv_sec * 1000000000LL + real->tv_nsec;
            int64_t told = offset + (int64_t)((__int128)(now - anchor) * rate / 1000000000LL);
            atomic_store_explicit(&table->clock_told, told, memory_order_relaxed);
            return told;
        }
        sched_yield();
    }
}

static void add(struct timespec *time_, int64_t nanoseconds)
{
    int64_t whole = (int64_t)time_->tv_sec * 1000000000LL + time_->tv_nsec + nanoseconds;
    time_->tv_sec = whole / 1000000000LL;
    time_->tv_nsec = whole % 1000000000LL;
    if (time_->tv_nsec < 0) {
        time_->tv_nsec += 1000000000LL;
        time_->tv_sec--;
    }
}

int clock_gettime(clockid_t clock, struct timespec *found)
{
    int done = CALL(clock_gettime)(clock, found);
    if (!done && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) add(found, shift(found));
    return done;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *found)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *found, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, found) ? base : 0;
}

/* A point in the changed time, back in the kernel's. */
static struct timespec in_real_time(const struct timespec *until)
{
    struct timespec now, point = *until;
    CALL(clock_gettime)(CLOCK_REALTIME, &now);
    add(&point, -shift(&now));
    return point;
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    struct timespec point = in_real_time(until);
    return CALL(sem_timedwait)(semaphore, &point);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
    struct timespec point = in_real_time(until);
    return CALL(pthread_mutex_timedlock)(mutex, &point);
}
