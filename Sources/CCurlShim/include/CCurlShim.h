#pragma once
// libcurl's variadic functions and its CURLMsg union, in a form that Swift can call.
#include <curl/curl.h>
