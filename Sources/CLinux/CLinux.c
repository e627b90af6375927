#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct start {
    void (*body)(void *);
    void *context;
    char name[16];
};

static void *enter(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.body(start.context);
    return NULL;
}

int clinux_start_thread(unsigned long *thread, const char *name, void (*body)(void *), void *context) {
    struct start *start = calloc(1, sizeof *start);
    if (!start) return ENOMEM;
    start->body = body;
    start->context = context;
    strncpy(start->name, name, sizeof start->name - 1);
    pthread_t created;
    int error = pthread_create(&created, NULL, enter, start);
    if (error) {
        free(start);
    } else if (thread) {
        *thread = created;
    } else {
        pthread_detach(created);
    }
    return error;
}

int clinux_join_thread(unsigned long thread) { return pthread_join(thread, NULL); }

int clinux_timer_open(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK); }

int clinux_timer_arm(int timer, int64_t nanoseconds) {
    // All zero would disarm it.
    if (nanoseconds < 1) nanoseconds = 1;
    struct itimerspec at = {.it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static int prepare(
    posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int input, int output, int errors) {
    int error = posix_spawn_file_actions_adddup2(actions, input, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(actions, output, 1);
    if (!error) error = posix_spawn_file_actions_adddup2(actions, errors, 2);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(actions, 3);

    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (!error) error = posix_spawnattr_setsigmask(attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error) error = posix_spawnattr_setpgroup(attributes, 0);
    if (!error)
        error = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return error;
}

int clinux_spawn(
    pid_t *process, const char *program, char *const arguments[], char *const environment[], int input, int output,
    int errors) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = prepare(&actions, &attributes, input, output, errors);
        if (!error) error = posix_spawnp(process, program, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int clinux_process_descriptor(pid_t process) { return pidfd_open(process, 0); }

int clinux_pipe(int ends[2], int flags) { return pipe2(ends, flags) ? errno : 0; }

// One more than the descriptor, so that 0 means none.
static _Atomic int listeners[NSIG];

static void relay(int signal) {
    int saved = errno;
    int descriptor = atomic_load(&listeners[signal]) - 1;
    unsigned char number = (unsigned char)signal;
    // A full pipe already holds enough signals to act on.
    if (descriptor >= 0) (void)!write(descriptor, &number, 1);
    errno = saved;
}

int clinux_catch_signal(int signal, int descriptor) {
    if (signal < 1 || signal >= NSIG) return EINVAL;
    struct sigaction action = {.sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (descriptor < 0) {
        action.sa_handler = SIG_DFL;
        int error = sigaction(signal, &action, NULL) ? errno : 0;
        atomic_store(&listeners[signal], 0);
        return error;
    }
    atomic_store(&listeners[signal], descriptor + 1);
    action.sa_handler = relay;
    return sigaction(signal, &action, NULL) ? errno : 0;
}

int clinux_ignore_signal(int signal) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigemptyset(&action.sa_mask);
    return sigaction(signal, &action, NULL) ? errno : 0;
}

char **clinux_environment(void) { return environ; }

int clinux_terminal_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}
