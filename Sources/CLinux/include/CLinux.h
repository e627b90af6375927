#pragma once
// Linux interfaces that Swift's Glibc module leaves out or cannot import.
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/types.h>
#include <sys/un.h>

// Threads. `thread` may be NULL for one that nobody will join. Return 0 or an errno.
int clinux_start_thread(unsigned long *thread, const char *name, void (*body)(void *), void *context);
int clinux_join_thread(unsigned long thread);

// A timer descriptor on CLOCK_BOOTTIME: it counts suspension, and is due as soon as the machine is awake again.
int clinux_timer_open(void);
int clinux_timer_arm(int timer, int64_t nanoseconds);

// Starts a program (looked up in PATH) as leader of a new process group, with default signal handlers, no signal
// blocked, and no descriptor but 0, 1 and 2. The kernel kills it when the calling *thread* ends, which is what posix_spawn
// cannot do: a process that is killed takes it along. Returns 0 or an errno.
int clinux_spawn(
    pid_t *process, const char *program, char *const arguments[], char *const environment[], int input, int output,
    int errors);
// A descriptor that is readable once the process has ended; close-on-exec.
int clinux_process_descriptor(pid_t process);

// pipe2(2): `flags` are O_CLOEXEC and O_NONBLOCK. Returns 0 or an errno.
int clinux_pipe(int ends[2], int flags);

// Signals. The handler writes the signal's number as one byte into `descriptor` (non-blocking); -1 restores the
// default. Unlike signalfd this does not depend on every thread of the process having blocked the signal.
int clinux_catch_signal(int signal, int descriptor);
int clinux_ignore_signal(int signal);
int clinux_ignores_signal(int signal);

char **clinux_environment(void);

// Columns of a terminal (TIOCGWINSZ); 0 when the descriptor is none.
int clinux_terminal_columns(int descriptor);
