#pragma once
// libcurl's variadic functions and its CURLMsg union, in a form that Swift can call.
#include <curl/curl.h>
#include <stddef.h>

// Bytes of a body, or one header line.
typedef size_t (*ccurl_bytes)(char *bytes, size_t size, size_t count, void *context);
// Called when a connection stands and the request is about to be sent on it.
typedef int (*ccurl_before_send)(void *context, char *peer, char *self, int peer_port, int self_port);
typedef int (*ccurl_socket)(CURL *easy, curl_socket_t socket, int what, void *context, void *per_socket);
typedef int (*ccurl_timer)(CURLM *multi, long milliseconds, void *context);

CURLcode ccurl_start(void);

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value);
// Copies the body.
CURLcode ccurl_set_body(CURL *easy, const void *bytes, size_t count);
CURLcode ccurl_set_bytes(CURL *easy, CURLoption option, ccurl_bytes function);
CURLcode ccurl_set_before_send(CURL *easy, ccurl_before_send function);
// Microseconds until the name was resolved; 0 when it was not.
curl_off_t ccurl_resolve_time(CURL *easy);

// Both functions get `context`; NULL ends the calls.
CURLMcode ccurl_multi_drive(CURLM *multi, ccurl_socket socket, ccurl_timer timer, void *context);
CURLMcode ccurl_multi_keep(CURLM *multi, long connections);
// The next finished transfer, or NULL.
CURL *ccurl_multi_next_finished(CURLM *multi, CURLcode *result);
