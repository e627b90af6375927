#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
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
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (!error) {
        // From its beginning: it may have ended before it could be detached.
        if (!thread) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t created;
        error = pthread_create(&created, &attributes, enter, start);
        if (!error && thread) *thread = created;
        pthread_attr_destroy(&attributes);
    }
    if (error) free(start);
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

struct launch {
    const char *program;
    char *const *arguments;
    char *const *environment;
    int ends[3];
    pid_t parent;
    int error;
};

// Runs as the child, but in the parent's memory (as posix_spawn does it): only what a signal handler may do.
static int become(void *context) {
    struct launch *launch = context;
    int *ends = launch->ends;
    if (setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL)) goto failed;
    // Died before that: nobody would end it.
    if (getppid() != launch->parent) return 127;
    // First out of the way of each other.
    for (int i = 0; i < 3; i++) {
        if (ends[i] < 3 && (ends[i] = fcntl(ends[i], F_DUPFD, 3)) < 0) goto failed;
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(ends[i], i) < 0) goto failed;
    }
    closefrom(3);
    // Asks the kernel itself: ThreadSanitizer keeps a book of handlers, and here it is the parent's. All zero is SIG_DFL.
    static const struct { unsigned long members[4]; } standard;
    for (int signal = 1; signal < NSIG; signal++) syscall(SYS_rt_sigaction, signal, &standard, NULL, sizeof(uint64_t));
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL)) goto failed;
    execvpe(launch->program, launch->arguments, launch->environment);
failed:
    launch->error = errno;
    return 127;
}

// glibc's other name for `clone`: that one ThreadSanitizer replaces, and takes this for a fork that leaves its threads.
int __clone(int (*body)(void *), void *stack, int flags, void *context, ...);

int clinux_spawn(
    pid_t *process, const char *program, char *const arguments[], char *const environment[], int input, int output,
    int errors) {
    struct launch launch = {
        .program = program, .arguments = arguments, .environment = environment, .ends = {input, output, errors},
        .parent = getpid()};
    size_t size = 256 * 1024;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return errno;
    // No handler of ours may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = __clone(become, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
    int error = child < 0 ? errno : launch.error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, size);
    if (child > 0 && error) waitpid(child, NULL, 0);
    if (!error) *process = child;
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

int clinux_ignores_signal(int signal) {
    struct sigaction action;
    return !sigaction(signal, NULL, &action) && action.sa_handler == SIG_IGN;
}

char **clinux_environment(void) { return environ; }

int clinux_terminal_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}
