/*
 * Faults from inside a server's process: what the disk, the network and the clock tell it is changed on its way.
 *
 * The library is loaded with LD_PRELOAD. It finds its rules in a table, a file that the tests and all processes of one
 * server share (WAYBILL_FAULT_TABLE); a rule is armed and disarmed by a write to memory. With nothing armed a call costs
 * one comparison. The layout of the table and of the undo log stands once more in layout.py.
 *
 * Not seen: static programs, raw system calls, io_uring, and what is written through a mapping of a file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "table.h"
#include "real.h"
#include "paths.h"
#include "rules.h"
#include "undo.h"
#include "opening.h"
#include "bytes.h"
#include "durable.h"
#include "names.h"
#include "sizes.h"
#include "sockets.h"
#include "streams.h"
#include "clock.h"
