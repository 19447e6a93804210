// The provider of the bench: answers chat completions faster than any gateway can ask, so that it is never what is measured.
// It keeps books of its own: usage varies with every answer, each is priced here with one ceil, and each attempt id leaves a
// line in the meter before its answer is sent. One thread, one core, no dependencies.
//
// upstream PORT METER_FILE INPUT_PRICE CACHED_PRICE OUTPUT_PRICE      (prices in micro-USD per million tokens)
//   POST /v1/chat/completions   a plain answer of about 630 bytes; with "stream":true 50 events of about 270 bytes, each in a
//                               write of its own; with "user":"hold" besides, one event and then silence until released
//   POST /bench/release         ends the streams that are held
//   POST /bench/counters        {"plain":n,"streamed":n,"held":n}, after everything metered is in the file
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 65536, MOST_REQUEST_BYTES = 1 << 20, MOST_PENDING_BYTES = 1 << 16, EVENTS_OF_A_STREAM = 50 };

struct usage {
  long input, cached, output;
};

struct connection {
  int fd;
  char *in;
  size_t in_bytes, in_room;
  char *pending;  // what the socket did not take
  size_t pending_bytes;
  bool held;
  struct usage usage;  // of the stream that is held
};

static struct connection *connections[MOST_CONNECTIONS];
static int poll_fd;
static FILE *meter;
static long price_input, price_cached, price_output;
static unsigned long answers, plain_count, streamed_count, held_count;

static const char WORDS[] =
    "The toll is taken once at the gate, written in the book before the barrier lifts, and the book is closed each "
    "evening by somebody who did not collect it. What the book says and what the box holds must agree to the last coin.";

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void close_connection(struct connection *c) {
  if (c->held) held_count -= 1;
  connections[c->fd] = NULL;
  close(c->fd);
  free(c->in);
  free(c->pending);
  free(c);
}

/** False when the peer is gone. */
static bool send_bytes(struct connection *c, const char *bytes, size_t count) {
  while (c->pending_bytes == 0 && count > 0) {
    ssize_t sent = send(c->fd, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return false;
    bytes += sent;
    count -= (size_t)sent;
  }
  if (count == 0) return true;
  if (c->pending == NULL) c->pending = malloc(MOST_PENDING_BYTES);
  if (c->pending == NULL || c->pending_bytes + count > MOST_PENDING_BYTES) return false;
  memcpy(c->pending + c->pending_bytes, bytes, count);
  c->pending_bytes += count;
  struct epoll_event wish = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  return epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &wish) == 0;
}

static bool flush_pending(struct connection *c) {
  ssize_t sent = send(c->fd, c->pending, c->pending_bytes, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  c->pending_bytes -= (size_t)sent;
  memmove(c->pending, c->pending + sent, c->pending_bytes);
  if (c->pending_bytes > 0) return true;
  struct epoll_event wish = {.events = EPOLLIN, .data.ptr = c};
  return epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &wish) == 0;
}

static bool send_text(struct connection *c, const char *format, ...) {
  char text[1024];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return send_bytes(c, text, (size_t)length);
}

static struct usage next_usage(void) {
  answers += 1;
  struct usage usage = {.input = 90 + (long)(answers * 37 % 61), .output = 20 + (long)(answers * 101 % 173)};
  usage.cached = answers % 3 == 0 ? (long)(answers * 7 % 64) : 0;
  return usage;
}

// Text is put together by hand on the way of a plain answer: with printf the provider took a tenth of its core's time.
static char *put_text(char *at, const char *text, size_t count) {
  memcpy(at, text, count);
  return at + count;
}
#define PUT(at, literal) put_text(at, literal, sizeof(literal) - 1)

static char *put_number(char *at, unsigned long number) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

/** The value of a header, "name:" in lower case; NULL: it is not there. Line by line: strcasestr took a twentieth of the core. */
static const char *header_value(const char *head, const char *end, const char *name, size_t name_bytes) {
  for (const char *line = memchr(head, '\n', (size_t)(end - head)); line != NULL; line = memchr(line, '\n', (size_t)(end - line))) {
    line += 1;
    if ((size_t)(end - line) < name_bytes || (*line | 0x20) != *name || strncasecmp(line, name, name_bytes) != 0) continue;
    const char *value = line + name_bytes;
    while (*value == ' ') value += 1;
    return value;
  }
  return NULL;
}
#define HEADER(head, end, name) header_value(head, end, name, sizeof(name) - 1)

/** Before the answer: what is delivered is never more than what is metered. */
static void write_meter(const char *head, const char *end, struct usage usage) {
  const char *id = HEADER(head, end, "x-tollgate-attempt-id:");
  if (id == NULL) return;
  size_t id_bytes = strcspn(id, "\r");
  if (id_bytes > 100) id_bytes = 100;
  long pico = (usage.input - usage.cached) * price_input + usage.cached * price_cached + usage.output * price_output;
  char line[256], *at = put_text(line, id, id_bytes);
  long values[] = {usage.input - usage.cached, usage.cached, usage.output, (pico + 999) / 1000};
  for (int i = 0; i < 4; i += 1) at = put_number(PUT(at, ","), (unsigned long)values[i]);
  at = PUT(at, "\n");
  fwrite_unlocked(line, 1, (size_t)(at - line), meter);
}

static char *put_usage(char *at, struct usage u) {
  at = put_number(PUT(at, "{\"prompt_tokens\":"), (unsigned long)u.input);
  at = put_number(PUT(at, ",\"completion_tokens\":"), (unsigned long)u.output);
  at = put_number(PUT(at, ",\"total_tokens\":"), (unsigned long)(u.input + u.output));
  at = put_number(PUT(at, ",\"prompt_tokens_details\":{\"cached_tokens\":"), (unsigned long)u.cached);
  return PUT(at, "},\"completion_tokens_details\":{\"reasoning_tokens\":0}}");
}

static bool answer_plain(struct connection *c, struct usage usage) {
  char body[1024], answer[2048];
  char *end = put_number(PUT(body, "{\"id\":\"chatcmpl-"), 100000000000 + answers);
  end = PUT(end, "\",\"object\":\"chat.completion\",\"created\":1763900000,\"model\":\"bench\","
                 "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"");
  end = PUT(PUT(end, WORDS), "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":");
  end = PUT(put_usage(end, usage), "}");
  char *at = PUT(answer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_");
  at = PUT(put_number(at, 100000000000 + answers), "\r\nopenai-processing-ms: 12\r\ncontent-length: ");
  at = PUT(put_number(at, (unsigned long)(end - body)), "\r\n\r\n");
  at = put_text(at, body, (size_t)(end - body));
  plain_count += 1;
  return send_bytes(c, answer, (size_t)(at - answer));
}

/** One event as one chunk of the body. `rest` closes the choice: a finish reason, or more. */
static bool send_event(struct connection *c, const char *before, const char *words, const char *rest) {
  char event[1024];
  int length = snprintf(event, sizeof event,
                        "data: {\"id\":\"chatcmpl-%012lu\",\"object\":\"chat.completion.chunk\",\"created\":1763900000,"
                        "\"model\":\"bench\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5d8b1c2e3f\","
                        "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"logprobs\":null,%s}\n\n",
                        answers, words, rest);
  return send_text(c, "%s%x\r\n%s\r\n", before, length, event);
}

static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    "transfer-encoding: chunked\r\n\r\n";
static const char MORE[] = "\"finish_reason\":null}],\"usage\":null";

static bool begin_stream(struct connection *c) {
  return send_event(c, STREAM_HEAD, " the barrier lifts for whoever has paid the toll", MORE);
}

static bool end_stream(struct connection *c, struct usage usage) {
  char rest[512];
  *put_usage(PUT(rest, "\"finish_reason\":\"stop\"}],\"usage\":"), usage) = '\0';
  return send_event(c, "", "", rest) && send_text(c, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
}

static bool answer_stream(struct connection *c, struct usage usage) {
  streamed_count += 1;
  if (!begin_stream(c)) return false;
  for (int sent = 2; sent < EVENTS_OF_A_STREAM; sent += 1)
    if (!send_event(c, "", " the barrier lifts for whoever has paid the toll", MORE)) return false;
  return end_stream(c, usage);
}

static bool hold_stream(struct connection *c, struct usage usage) {
  streamed_count += 1;
  held_count += 1;
  c->held = true;
  c->usage = usage;
  return begin_stream(c);
}

static void release_streams(void) {
  for (int fd = 0; fd < MOST_CONNECTIONS; fd += 1) {
    struct connection *c = connections[fd];
    if (c == NULL || !c->held) continue;
    c->held = false;
    held_count -= 1;
    if (!end_stream(c, c->usage)) shutdown(fd, SHUT_RDWR);  // closed by the loop, which may still hold an event of it
  }
}

static bool answer_json(struct connection *c, const char *json) {
  return send_text(c, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(json), json);
}

static bool answer(struct connection *c, const char *head, const char *body, size_t body_bytes) {
  char json[256];
  if (strncmp(head, "POST /v1/chat/completions ", 26) == 0) {
    struct usage usage = next_usage();
    write_meter(head, body, usage);
    if (memmem(body, body_bytes, "\"stream\":true", 13) == NULL) return answer_plain(c, usage);
    bool hold = memmem(body, body_bytes, "\"user\":\"hold\"", 13) != NULL;
    return hold ? hold_stream(c, usage) : answer_stream(c, usage);
  }
  if (strncmp(head, "POST /bench/release ", 20) == 0) release_streams();
  fflush(meter);
  snprintf(json, sizeof json, "{\"plain\":%lu,\"streamed\":%lu,\"held\":%lu}", plain_count, streamed_count, held_count);
  return answer_json(c, json);
}

/** Answers every whole request that has come. False when the connection is to be closed. */
static bool take_requests(struct connection *c) {
  for (;;) {
    char *end = memmem(c->in, c->in_bytes, "\r\n\r\n", 4);
    if (end == NULL) return true;
    size_t head_bytes = (size_t)(end + 4 - c->in);
    const char *length = HEADER(c->in, end, "content-length:");
    size_t body_bytes = length == NULL ? 0 : strtoul(length, NULL, 10);
    if (body_bytes > MOST_REQUEST_BYTES) return false;
    if (c->in_bytes < head_bytes + body_bytes) return true;
    if (!answer(c, c->in, end + 4, body_bytes)) return false;
    c->in_bytes -= head_bytes + body_bytes;
    memmove(c->in, c->in + head_bytes + body_bytes, c->in_bytes);
  }
}

static bool read_requests(struct connection *c) {
  if (c->in_room - c->in_bytes < 16384) {
    c->in_room = c->in_room == 0 ? 32768 : c->in_room * 2;
    c->in = realloc(c->in, c->in_room);
    if (c->in == NULL || c->in_room > 4 * MOST_REQUEST_BYTES) return false;
  }
  ssize_t got = recv(c->fd, c->in + c->in_bytes, c->in_room - c->in_bytes, 0);
  if (got < 0 && errno == EAGAIN) return true;
  if (got <= 0) return false;
  c->in_bytes += (size_t)got;
  return take_requests(c);
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8192) != 0) die("listen");
  return fd;
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0) return;
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL || fd >= MOST_CONNECTIONS) die("too many connections");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);  // BBR, where it is the default, runs a timer for each answer
    c->fd = fd;
    connections[fd] = c;
    struct epoll_event wish = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &wish) != 0) die("epoll_ctl");
  }
}

int main(int count, char **values) {
  if (count != 6) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  meter = fopen(values[2], "w");
  if (meter == NULL) die(values[2]);
  price_input = atol(values[3]);
  price_cached = atol(values[4]);
  price_output = atol(values[5]);
  int listener = listen_on(atoi(values[1]));
  poll_fd = epoll_create1(0);
  struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &listening);
  for (;;) {
    int events = epoll_wait(poll_fd, ready, 256, -1);
    for (int i = 0; i < events; i += 1) {
      struct connection *c = ready[i].data.ptr;
      if (c == NULL) accept_all(listener);
      else if ((ready[i].events & EPOLLOUT) && !flush_pending(c)) close_connection(c);
      else if ((ready[i].events & ~EPOLLOUT) && !read_requests(c)) close_connection(c);
    }
  }
}
