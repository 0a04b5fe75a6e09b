/* Rules. */

static void end_here(void)
{
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What is to happen to this call; `bound` gets the rule. COUNT where nothing is. */
static uint32_t decide(uint32_t operation, const char *path, struct rule **bound)
{
    uint32_t chosen = COUNT;
    for (int number = 0; number < RULES; number++) {
        struct rule *rule = &table->rules[number];
        if (!atomic_load_explicit(&rule->armed, memory_order_acquire) || !(rule->operations & operation)) continue;
        if (rule->path[0] && fnmatch(rule->path, path, 0)) continue;
        uint64_t turn = atomic_fetch_add(&rule->matched, 1) + 1;
        if (turn < rule->from || turn > rule->to || rule->action == COUNT || chosen != COUNT) continue;
        atomic_fetch_add(&rule->acted, 1);
        chosen = rule->action;
        *bound = rule;
    }
    return chosen;
}

static int any(uint32_t operation)
{
    return table && !inside && (atomic_load_explicit(&table->armed, memory_order_relaxed) & operation);
}

static int power(void)
{
    return table && !inside && undo && atomic_load_explicit(&table->power, memory_order_relaxed);
}

/* What stands before the call: 1 if it is over already, with `errno` set or `*outcome` as its result. */
static int before(uint32_t action, struct rule *rule, ssize_t whole, ssize_t *outcome)
{
    switch (action) {
    case KILL_BEFORE:
        end_here();
        return 1;
    case STOP_BEFORE:
        kill(getpid(), SIGSTOP);
        return 0;
    case DELAY:
    case HOLD_KILL: {
        struct timespec wait = { rule->number / 1000, rule->number % 1000 * 1000000L };
        while (nanosleep(&wait, &wait) && errno == EINTR) { }
        if (action == HOLD_KILL) end_here();
        return 0;
    }
    case FAIL:
        errno = rule->number;
        *outcome = -1;
        return 1;
    case DROP:
        *outcome = whole;
        return 1;
    }
    return 0;
}

static uint32_t on_descriptor(uint32_t operation, int fd, struct rule **rule)
{
    char path[PATH_MAX];
    int kept = errno;
    uint32_t action = path_of(fd, path) ? decide(operation, path, rule) : COUNT;
    errno = kept;
    return action;
}

static uint32_t on_path(uint32_t operation, int directory, const char *name, struct rule **rule)
{
    char path[PATH_MAX];
    int kept = errno;
    uint32_t action = spelled(directory, name, path) ? decide(operation, path, rule) : COUNT;
    errno = kept;
    return action;
}

static size_t total(const struct iovec *parts, int count)
{
    size_t sum = 0;
    for (int number = 0; number < count; number++) sum += parts[number].iov_len;
    return sum;
}
