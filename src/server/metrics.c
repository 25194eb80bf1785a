/* metrics.c - see metrics.h. */
#include "server/metrics.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double first_token_bounds[] = {0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
static const double gap_bounds[] = {0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 5};

void metrics_init(struct metrics *m)
{
    memset(m, 0, sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
    m->first_token.bounds = first_token_bounds;
    m->token_gap.bounds = gap_bounds;
}

void metrics_count_request(struct metrics *m, const char *route, int status)
{
    pthread_mutex_lock(&m->lock);
    int i = 0;
    while (i < m->series && (m->requests[i].status != status || strcmp(m->requests[i].route, route) != 0)) i++;
    if (i == m->series && m->series < METRICS_SERIES) {
        snprintf(m->requests[i].route, sizeof m->requests[i].route, "%s", route);
        m->requests[i].status = status;
        m->series++;
    }
    if (i < m->series) m->requests[i].count++;
    pthread_mutex_unlock(&m->lock);
}

static void observe(struct metrics *m, struct histogram *h, double value)
{
    pthread_mutex_lock(&m->lock);
    int i = 0;
    while (i < METRICS_BUCKETS - 1 && value > h->bounds[i]) i++;
    h->counts[i]++;
    h->sum += value;
    pthread_mutex_unlock(&m->lock);
}

void metrics_first_token(struct metrics *m, double seconds)
{
    observe(m, &m->first_token, seconds);
}

void metrics_token_gap(struct metrics *m, double seconds)
{
    observe(m, &m->token_gap, seconds);
}

static void write_histogram(const struct histogram *h, const char *name, const char *help, struct buf *out)
{
    uint64_t total = 0;
    buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    for (int i = 0; i < METRICS_BUCKETS; i++) {
        total += h->counts[i];
        if (i < METRICS_BUCKETS - 1)
            buf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, h->bounds[i], (unsigned long long)total);
        else
            buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)total);
    }
    buf_printf(out, "%s_sum %.6f\n%s_count %llu\n", name, h->sum, name, (unsigned long long)total);
}

static void write_value(struct buf *out, const char *name, const char *kind, const char *help, double value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, kind, name, value);
}

static double resident_bytes(void)
{
    unsigned long long total;
    unsigned long long resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    if (fscanf(f, "%20llu %20llu", &total, &resident) != 2) resident = 0;
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void write_engine(const struct engine_stats *s, struct buf *out)
{
    write_value(out, "xiaobei_requests_running", "gauge", "Requests that hold a slot", s->running);
    write_value(out, "xiaobei_requests_queued", "gauge", "Requests that wait for a slot", s->queued);
    write_value(out, "xiaobei_slots", "gauge", "Sequences that can run together", s->slots);
    write_value(out, "xiaobei_engine_steps_total", "counter", "Forward steps completed", (double)s->steps);
    write_value(out, "xiaobei_prompt_tokens_total", "counter", "Prompt tokens computed", (double)s->prompt_tokens);
    write_value(out, "xiaobei_completion_tokens_total", "counter", "Tokens generated", (double)s->completion_tokens);
    write_value(out, "xiaobei_cached_tokens_total", "counter", "Prompt tokens found in the prefix cache",
                (double)s->cached_tokens);
    write_value(out, "xiaobei_kv_blocks", "gauge", "Blocks for keys and values", s->kv_blocks);
    write_value(out, "xiaobei_kv_blocks_used", "gauge", "Blocks that running sequences hold", s->kv_blocks_used);
    write_value(out, "xiaobei_kv_blocks_cached", "gauge", "Blocks kept for prompts that come again",
                s->kv_blocks_cached);
    write_value(out, "xiaobei_kv_evictions_total", "counter", "Cached blocks that gave way", (double)s->evictions);
    write_value(out, "xiaobei_preemptions_total", "counter", "Sequences sent back to the queue for want of memory",
                (double)s->preemptions);
    write_value(out, "xiaobei_guessed_tokens_total", "counter", "Tokens guessed from what was said before",
                (double)s->guessed_tokens);
    write_value(out, "xiaobei_guesses_right_total", "counter", "Of these, those that were sampled then",
                (double)s->guesses_right);
    write_value(out, "xiaobei_requests_finished_total", "counter", "Answers that ended by themselves",
                (double)s->finished);
    write_value(out, "xiaobei_requests_cancelled_total", "counter", "Answers that were cancelled",
                (double)s->cancelled);
    write_value(out, "xiaobei_requests_failed_total", "counter", "Answers that failed", (double)s->failed);
}

int metrics_write(struct metrics *m, const struct engine_stats *engine, struct buf *out)
{
    pthread_mutex_lock(&m->lock);
    buf_append_text(out, "# HELP xiaobei_http_requests_total HTTP requests by route and status\n# TYPE "
                         "xiaobei_http_requests_total counter\n");
    for (int i = 0; i < m->series; i++)
        buf_printf(out, "xiaobei_http_requests_total{route=\"%s\",status=\"%d\"} %llu\n", m->requests[i].route,
                   m->requests[i].status, (unsigned long long)m->requests[i].count);
    write_histogram(&m->first_token, "xiaobei_first_token_seconds", "Time from request to first token", out);
    write_histogram(&m->token_gap, "xiaobei_token_gap_seconds", "Time between two tokens of an answer", out);
    pthread_mutex_unlock(&m->lock);
    if (engine) write_engine(engine, out);
    write_value(out, "process_resident_memory_bytes", "gauge", "Resident memory", resident_bytes());
    return buf_error(out);
}
