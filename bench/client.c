// The generator of the bench that can wait, hold and count: at a fixed rate (open loop: the latency of a request counts from
// the moment at which it was due, so a stall is charged to whoever stalled), one after the other on each connection, one at a
// time with a pause between, or as streams that are held open. It never leaves an answer unread: what was asked is on somebody's bill.
//
// client PORT REQUESTS_FILE rate   CONNECTIONS PER_SECOND SECONDS WARMUP_SECONDS    SIGTERM ends it before its time
//                           closed CONNECTIONS SECONDS
//                           turns  SECONDS              one request at a time with a pause between; 0: every request of the file once
//                           hold   CONNECTIONS          says "held" when every stream has had an event, ends when all have ended
// Requests are taken in turn from the file: each is its length as a decimal line, then its bytes. One line of JSON at the end.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST_REQUESTS = 65536, READ_BYTES = 1 << 18, MOST_HEAD_BYTES = 8192, PATIENCE_S = 30, PAUSE_MICROS = 200, MOST_IDLE_S = 30 };

enum part { HEAD, BODY, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

struct connection {
  int fd;
  bool busy;
  const char *unsent;
  size_t unsent_bytes;
  double due, first_byte;
  enum part part;
  char head[MOST_HEAD_BYTES];
  size_t head_bytes;
  long left;  // bytes of the body or of the chunk
  int status;
  bool chunked, newline;
  char tail[14];  // where [DONE] must stand
  long events;  // of this answer
};

struct request {
  const char *bytes;
  size_t count;
};

static struct request requests[MOST_REQUESTS];
static size_t request_count, next_request;
static struct connection *connections;
static size_t connection_count, room_for_connections, in_flight, held;
static struct connection **idle;
static size_t idle_count;
static float *first_bytes, *last_bytes;  // microseconds
static size_t measured, room_for_measured;
static unsigned long completed, failed, events_total;
static int first_failure = -1;  // its status; 0: the connection broke, or the answer had no proper end
static double measured_from, last_end;
static int poll_fd, port;
static bool may_idle;  // else every connection is busy, and one that a server closes is a mistake
static volatile sig_atomic_t is_told_to_end;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_requests(const char *path) {
  FILE *file = fopen(path, "r");
  struct stat info;
  if (file == NULL || fstat(fileno(file), &info) != 0) die(path);
  char *text = malloc((size_t)info.st_size + 1);
  if (text == NULL || fread(text, 1, (size_t)info.st_size, file) != (size_t)info.st_size) die(path);
  fclose(file);
  for (char *at = text; at < text + info.st_size && request_count < MOST_REQUESTS; request_count += 1) {
    size_t count = strtoul(at, &at, 10);
    requests[request_count] = (struct request){.bytes = at + 1, .count = count};
    at += 1 + count;
  }
}

static struct connection *open_connection(void) {
  if (connection_count == room_for_connections) return NULL;
  struct connection *c = &connections[connection_count++];
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0) die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);  // as in upstream.c
  struct epoll_event wish = {.events = EPOLLIN, .data.ptr = c};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &wish) != 0) die("epoll_ctl");
  c->due = now();
  return c;
}

/** The one that was used last, unless its server may be about to close it: clients do not wait for that, either. */
static struct connection *free_connection(void) {
  bool is_old = idle_count > 0 && idle[idle_count - 1]->due < now() - MOST_IDLE_S;
  return idle_count > 0 && !is_old ? idle[--idle_count] : open_connection();
}

static void forget(struct connection *c) {
  size_t kept = 0;
  for (size_t i = 0; i < idle_count; i += 1)
    if (idle[i] != c) idle[kept++] = idle[i];
  idle_count = kept;
  close(c->fd);
  c->fd = -1;
}

static void fail(struct connection *c) {
  failed += 1;
  if (first_failure < 0) first_failure = c->part == HEAD || c->status == 200 ? 0 : c->status;
  in_flight -= 1;
  c->busy = false;
  close(c->fd);
  c->fd = -1;
}

static void send_unsent(struct connection *c) {
  ssize_t sent = send(c->fd, c->unsent, c->unsent_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) return fail(c);
  if (sent > 0) {
    c->unsent += sent;
    c->unsent_bytes -= (size_t)sent;
  }
  struct epoll_event wish = {.events = c->unsent_bytes > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
  if (c->unsent_bytes > 0 || sent < 0) epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &wish);
}

static void ask(struct connection *c, double due) {
  struct request *request = &requests[next_request++ % request_count];
  c->busy = true;
  c->unsent = request->bytes;
  c->unsent_bytes = request->count;
  c->due = due;
  c->first_byte = 0;
  c->part = HEAD;
  c->head_bytes = 0;
  c->events = 0;
  c->newline = false;
  in_flight += 1;
  send_unsent(c);
}

static void record(struct connection *c, double at) {
  completed += 1;
  last_end = at;
  events_total += (unsigned long)c->events;
  if (c->due < measured_from) return;
  if (measured == room_for_measured) {
    room_for_measured = room_for_measured == 0 ? 65536 : room_for_measured * 2;
    first_bytes = realloc(first_bytes, room_for_measured * sizeof *first_bytes);
    last_bytes = realloc(last_bytes, room_for_measured * sizeof *last_bytes);
    if (first_bytes == NULL || last_bytes == NULL) die("realloc");
  }
  first_bytes[measured] = (float)((c->first_byte - c->due) * 1e6);
  last_bytes[measured++] = (float)((at - c->due) * 1e6);
}

static void finish(struct connection *c, double at) {
  bool is_stream = c->chunked && c->events > 0;
  // A stream that ends without its [DONE] is no answer, whatever its status was.
  if (c->status != 200 || (is_stream && memcmp(c->tail, "data: [DONE]\n\n", sizeof c->tail) != 0)) return fail(c);
  if (is_stream) c->events -= 1;
  in_flight -= 1;
  c->busy = false;
  record(c, at);
  idle[idle_count++] = c;
}

static void keep_tail(struct connection *c, const char *bytes, size_t count) {
  size_t kept = count < sizeof c->tail ? count : sizeof c->tail;
  memmove(c->tail, c->tail + kept, sizeof c->tail - kept);
  memcpy(c->tail + sizeof c->tail - kept, bytes + count - kept, kept);
}

/** Counts events by their blank lines, also where a chunk cuts one. */
static void read_body(struct connection *c, const char *bytes, size_t count, double at) {
  if (c->first_byte == 0) c->first_byte = at;
  if (!c->chunked) return;
  long before = c->events;
  for (size_t i = 0; i < count;) {
    if (c->newline && bytes[i] == '\n') {
      c->events += 1;
      c->newline = false;
      i += 1;
      continue;
    }
    const char *line_end = memchr(bytes + i, '\n', count - i);
    c->newline = line_end != NULL;
    i = line_end == NULL ? count : (size_t)(line_end - bytes) + 1;
  }
  keep_tail(c, bytes, count);
  if (before == 0 && c->events > 0) held += 1;
}

static bool read_head(struct connection *c) {
  c->head[c->head_bytes] = '\0';
  char *length = strcasestr(c->head, "\r\ncontent-length:");
  c->status = atoi(c->head + 9);
  c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
  if (!c->chunked && length == NULL) return false;
  c->left = c->chunked ? 0 : atol(length + 17);
  c->part = c->chunked ? CHUNK_SIZE : BODY;
  c->head_bytes = 0;
  return true;
}

/** Collects a line of the framing; true when it is whole. */
static bool read_line(struct connection *c, const char **at, const char *end) {
  while (*at < end && c->head_bytes < MOST_HEAD_BYTES - 1) {
    c->head[c->head_bytes++] = **at;
    if (*(*at)++ == '\n') return true;
  }
  return false;
}

static void read_answer(struct connection *c, const char *at, const char *end, double time) {
  while (at < end && c->busy) {
    if (c->part == BODY || c->part == CHUNK) {
      long count = end - at < c->left ? end - at : c->left;
      read_body(c, at, (size_t)count, time);
      at += count;
      c->left -= count;
      if (c->left > 0) return;
      if (c->part == BODY) finish(c, time);
      else c->part = CHUNK_END;
    } else if (read_line(c, &at, end)) {
      bool is_empty = c->head_bytes == 2;
      if (c->part == HEAD) {
        if (c->head_bytes < 4 || memcmp(c->head + c->head_bytes - 4, "\r\n\r\n", 4) != 0) continue;
        if (!read_head(c)) return fail(c);
      } else if (c->part == CHUNK_SIZE) {
        c->left = strtol(c->head, NULL, 16);
        c->part = c->left == 0 ? TRAILER : CHUNK;
      } else if (c->part == CHUNK_END) c->part = CHUNK_SIZE;
      else if (is_empty) finish(c, time);
      c->head_bytes = 0;
    }
  }
}

static void serve(double timeout_s) {
  static char bytes[READ_BYTES];
  struct epoll_event ready[256];
  int count = epoll_wait(poll_fd, ready, 256, (int)(timeout_s * 1000));
  for (int i = 0; i < count; i += 1) {
    struct connection *c = ready[i].data.ptr;
    if (c == NULL || c->fd < 0) continue;
    if ((ready[i].events & EPOLLOUT) && c->busy) send_unsent(c);
    if (c->fd < 0 || !(ready[i].events & ~EPOLLOUT)) continue;
    ssize_t got = recv(c->fd, bytes, READ_BYTES, MSG_DONTWAIT);
    if (got > 0) read_answer(c, bytes, bytes + got, now());
    else if (got == 0 || errno != EAGAIN) {
      if (c->busy) fail(c);
      else if (may_idle) forget(c);
      else die("an idle connection was closed");
    }
  }
}

static void drain(void) {
  for (double until = now() + PATIENCE_S; in_flight > 0 && now() < until;) serve(0.1);
  failed += in_flight;
  in_flight = 0;
}

static void told_to_end(int signal) {
  (void)signal;
  is_told_to_end = 1;
}

static void at_a_fixed_rate(long per_second, double seconds, double warmup_s) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event wish = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &wish);
  double start = now() + 0.05;
  measured_from = start + warmup_s;
  long last = (long)((warmup_s + seconds) * (double)per_second);
  signal(SIGTERM, told_to_end);
  for (long asked = 0; asked < last && !is_told_to_end;) {
    double due = start + (double)asked / (double)per_second;
    if (due <= now()) {
      struct connection *c = free_connection();
      if (c == NULL) failed += 1;
      else ask(c, due);
      asked += 1;
      continue;
    }
    struct itimerspec alarm = {.it_value = {.tv_sec = (time_t)due, .tv_nsec = (long)((due - (double)(time_t)due) * 1e9) + 1}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &alarm, NULL);
    serve(1);
  }
}

static void in_a_closed_loop(double seconds) {
  double until = now() + seconds;
  while (now() < until && failed == 0) {
    while (idle_count > 0) ask(idle[--idle_count], now());
    serve(0.1);
  }
}

/** The pause keeps the generator's core below the 90 % above which a window is void: it is never what is slow. */
static void in_turns(double seconds) {
  double until = now() + seconds;
  while ((seconds > 0 ? now() < until : next_request < request_count) && failed == 0) {
    usleep(PAUSE_MICROS);
    ask(idle[--idle_count], now());
    drain();
  }
}

static void hold_streams(void) {
  while (idle_count > 0) ask(idle[--idle_count], now());
  size_t wanted = in_flight;
  for (double until = now() + PATIENCE_S; held < wanted && failed == 0 && now() < until;) serve(0.1);
  if (held < wanted && failed == 0) failed = wanted - held;
  printf("held\n");
  fflush(stdout);
  drain();
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static double quantile(float *sorted, double part) {
  return measured == 0 ? 0 : (double)sorted[(size_t)((double)(measured - 1) * part)];
}

static void report(double seconds) {
  qsort(first_bytes, measured, sizeof *first_bytes, by_size);
  qsort(last_bytes, measured, sizeof *last_bytes, by_size);
  printf("{\"completed\":%lu,\"failed\":%lu,\"firstFailure\":%d,\"events\":%lu,\"seconds\":%.6f,\"firstByteP50Micros\":%.1f,"
         "\"p50Micros\":%.1f,\"p99Micros\":%.1f}\n",
         completed, failed, first_failure, events_total, seconds, quantile(first_bytes, 0.5), quantile(last_bytes, 0.5),
         quantile(last_bytes, 0.99));
}

int main(int count, char **values) {
  if (count < 5) return 2;
  port = atoi(values[1]);
  read_requests(values[2]);
  const char *mode = values[3];
  bool rate = strcmp(mode, "rate") == 0;
  bool turns = strcmp(mode, "turns") == 0;
  size_t wanted = turns ? 1 : strtoul(values[4], NULL, 10);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  may_idle = rate;
  room_for_connections = rate ? 4096 : wanted;
  connections = calloc(room_for_connections, sizeof *connections);
  idle = calloc(room_for_connections, sizeof *idle);
  poll_fd = epoll_create1(0);
  if (request_count == 0 || connections == NULL || idle == NULL) return 2;
  while (connection_count < wanted) idle[idle_count++] = open_connection();
  double start = now();
  if (rate) at_a_fixed_rate(atol(values[5]), atof(values[6]), atof(values[7]));
  else if (strcmp(mode, "closed") == 0) in_a_closed_loop(atof(values[5]));
  else if (turns) in_turns(atof(values[4]));
  else hold_streams();
  drain();
  report(last_end - start);
}
