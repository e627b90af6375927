#pragma once
// Linux interfaces that Swift's Glibc module leaves out or cannot import.
#include <sys/epoll.h>
#include <sys/eventfd.h>

void clinux_name_thread(const char *name);
