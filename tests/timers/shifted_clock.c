/* Preloaded: the time of day is that of the system and as many milliseconds as a file says, which may change. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static int64_t shift_ms(void) {
    static volatile int64_t *shift;
    const char *path = getenv("SHIFTED_CLOCK");
    int file;

    if (!shift) {
        file = path ? open(path, O_RDONLY) : -1;
        if (file < 0) return 0;
        shift = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, file, 0);
        if (shift == MAP_FAILED) abort();
    }
    return *shift;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    int result;

    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    result = real(clock, at);
    if (clock == CLOCK_REALTIME) {
        int64_t ns = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + shift_ms() * 1000000;

        at->tv_sec = ns / 1000000000;
        at->tv_nsec = ns % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);

    (void)zone;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *at) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
