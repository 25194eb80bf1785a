/* labs_read.c - see labs_read.h. */
#include "medical/labs_read.h"

#include <string.h>

#include "medical/labs_tail.h"

enum { HITS_MAX = 1000, LINES_BELOW = 4, UNREAD_SHOWN = 90, TAIL_MAX = 600 };

struct hit {
    size_t start, end;
    int name;
};

struct reader {
    struct lab_reading *out;
    const struct lab_tables *t;
    const char *s;
    size_t n;
    char specimen; /* of the section */
};

static bool letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool high(char c)
{
    return ((unsigned char)c & 0x80) != 0;
}

static bool word_at(const struct reader *r, size_t at, size_t end, const char *word)
{
    size_t n = strlen(word);
    return end - at >= n && memcmp(r->s + at, word, n) == 0;
}

/* Length of the name at `at`, 0 if it is not there. */
static size_t name_length(const struct reader *r, const char *name, size_t at, size_t end)
{
    size_t i = at;
    for (const char *w = name; *w; w++) {
        if (*w == ' ') {
            while (i < end && strchr(" -_", r->s[i])) i++;
            continue;
        }
        if (*w != '-' && i > at && i < end && r->s[i] == '-' && letter(*w) && letter(r->s[i - 1])) i++;
        if (i >= end || r->s[i] != *w) return 0;
        i++;
    }
    return i - at;
}

/* A Chinese word before a name that does not make another item of it. */
static bool neutral_before(const struct reader *r, size_t start, size_t line)
{
    static const char *const words[] = {"血清", "血浆", "全血", "血", "的", "者",   "查",   "示",   "检",   "为",
                                        "和",   "及",   "与",   "、", "。", "化验", "结果", "静脉", "末梢", "指尖",
                                        "早上", "今天", "★",    "※",  "△",  "▲",    "空腹", "×",    "·",    "—",
                                        "是",   "说",   "我",   "他", "她", "↑",    "↓",    "测"};
    if (start == line || !high(r->s[start - 1])) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (start - line >= n && memcmp(r->s + start - n, words[i], n) == 0) return true;
    }
    return false;
}

/* A Chinese word behind a name that does not make another item of it; -1: it does. */
static int neutral_behind(const struct reader *r, size_t at, size_t end)
{
    static const char *const words[] = {
        "计数",   "浓度", "含量",   "测定",   "水平", "检测", "定量", "定性", "结果", "数目", "活性", "总数",
        "数",     "值",   "是",     "为",     "偏高", "偏低", "升高", "降低", "增高", "减少", "减低", "高",
        "低",     "阴性", "阳性",   "弱阳性", "正常", "有点", "只有", "达",   "到",   "、",   "。",   "↑",
        "↓",      "≤",    "≥",      "★",      "—",    "小于", "大于", "约",   "才",   "也",   "都",   "在",
        "未检出", "±",    "·",      "×",      "和",   "与",   "及",   "分别", "从",   "仍",   "上",   "又",
        "居然",   "超标", "危急值", "危急",   "报告", "复查", "高达", "升至", "降至", "升到", "降到", "只",
        "仅",     "一直", "突然",   "大于",   "低至", "掉到", "超",   "有",   "还",   "略",   "稍",   "轻度",
        "明显",   "指标", "过",     "增加",   "异常", "不",   "将近", "大概", "接近"};
    if (at >= end || !high(r->s[at])) return 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word_at(r, at, end, words[i])) return (int)strlen(words[i]);
    return -1;
}

/* 非HDL, 尿Cr, X-HDL: what stands before a Latin name makes another item of it. */
static bool other_before(const struct reader *r, size_t start, size_t line)
{
    static const char *const words[] = {"非",   "抗",   "尿",   "游离", "糖化", "超敏", "高敏", "便",   "粪", "脑脊液",
                                        "胸水", "腹水", "微量", "离子", "校正", "密",   "极低", "同型", "前"};
    if (start >= line + 2 && r->s[start - 1] == '-' && letter(r->s[start - 2])) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (start - line >= n && memcmp(r->s + start - n, words[i], n) == 0) return true;
    }
    return false;
}

static bool glued_digits(const struct reader *r, size_t at, size_t end)
{
    size_t i = at;
    while (i < end && digit(r->s[i])) i++;
    return i < end && r->s[i] == '.' && i + 1 < end && digit(r->s[i + 1]);
}

static int any_name(const struct reader *r, size_t at, size_t end, size_t *n);

/* Mg in mg/L, ALT in ALT/AST: a name and a slash are one word, unless the item is named twice (ALT/GPT). */
static bool slashed(const struct reader *r, int item, size_t at, size_t end)
{
    size_t n;
    if (at + 1 >= end || r->s[at] != '/' || !(letter(r->s[at + 1]) || high(r->s[at + 1]))) return false;
    int other = any_name(r, at + 1, end, &n);
    return other < 0 || r->t->names[other].item != item;
}

static bool behind_slash(const struct reader *r, size_t at, size_t line, const struct hit *before, int item)
{
    if (at < line + 2 || r->s[at - 1] != '/' || !(letter(r->s[at - 2]) || high(r->s[at - 2]))) return false;
    return !before || before->end != at - 1 || r->t->names[before->name].item != item;
}

static bool bounded(const struct reader *r, size_t at, size_t n, size_t line, size_t end)
{
    char first = r->s[at], last = r->s[at + n - 1], next = at + n < end ? r->s[at + n] : '\0';
    if (letter(first) && at > line && (letter(r->s[at - 1]) || (digit(r->s[at - 1]) && at > line + 3))) return false;
    if (high(first) && !neutral_before(r, at, line)) return false;
    if (letter(first) && other_before(r, at, line)) return false;
    if (letter(last) && letter(next)) return false;
    if (letter(last) && digit(next) && n < 3 && !glued_digits(r, at + n, end)) return false;
    if (digit(last) && (digit(next) || letter(next))) return false;
    if (high(last) && neutral_behind(r, at + n, end) < 0) {
        size_t ignored;
        return any_name(r, at + n, end, &ignored) >= 0;
    }
    return true;
}

/* The longest name that stands at `at`, whatever is around it; -1: none. */
static int any_name(const struct reader *r, size_t at, size_t end, size_t *n)
{
    for (int k = r->t->buckets[labs_name_bucket(r->s + at, end - at)]; k >= 0; k = r->t->names[k].next)
        if ((*n = name_length(r, r->t->names[k].text, at, end))) return k;
    return -1;
}

/* Names may belong to several specimens: the section's, else blood, else what there is. */
static int choose(const struct reader *r, int name, size_t n, size_t at, size_t end)
{
    int best = name;
    for (int k = name; k >= 0; k = r->t->names[k].next) {
        if (name_length(r, r->t->names[k].text, at, end) != n) continue;
        char here = r->t->items[r->t->names[k].item].specimen;
        char held = r->t->items[r->t->names[best].item].specimen;
        if (here == r->specimen && held != r->specimen) best = k;
        if (here == 'b' && held != 'b' && held != r->specimen) best = k;
    }
    return best;
}

static size_t find_hits(const struct reader *r, size_t line, size_t end, struct hit *hits)
{
    size_t count = 0;
    for (size_t at = line; at < end && count < HITS_MAX;) {
        size_t n = 0;
        int name = any_name(r, at, end, &n);
        int item = name >= 0 ? r->t->names[name].item : -1;
        if (name >= 0 && bounded(r, at, n, line, end) && !slashed(r, item, at + n, end) &&
            !behind_slash(r, at, line, count ? &hits[count - 1] : NULL, item)) {
            hits[count++] = (struct hit){at, at + n, choose(r, name, n, at, end)};
            at += n;
            continue;
        }
        if (name >= 0 && high(r->s[at])) {
            at += n; /* a part of a longer word: nothing inside it is a name either */
            continue;
        }
        for (at++; at < end && ((unsigned char)r->s[at] & 0xC0) == 0x80;) at++;
    }
    return count;
}

static size_t line_end(const struct reader *r, size_t at)
{
    const char *newline = memchr(r->s + at, '\n', r->n - at);
    return newline ? (size_t)(newline - r->s) : r->n;
}

static bool has_digit(const struct reader *r, size_t a, size_t b)
{
    for (; a < b; a++)
        if (digit(r->s[a])) return true;
    return false;
}

/* A line that only goes on with the row above: it starts with a figure, a sign or a unit and names nothing. */
static bool goes_on(const struct reader *r, size_t at, size_t end)
{
    struct hit hits[HITS_MAX];
    int unit;
    while (at < end && strchr(" |(", r->s[at])) at++;
    if (at == end || end - at > 40) return false;
    bool figure = digit(r->s[at]) || strchr("<>-+", r->s[at]) || word_at(r, at, end, "↑") || word_at(r, at, end, "↓") ||
                  word_at(r, at, end, "≤") || word_at(r, at, end, "≥") || word_at(r, at, end, "阴") ||
                  word_at(r, at, end, "阳");
    if (!figure && !labs_tail_unit(r->t, r->s + at, end - at, &unit)) return false;
    return find_hits(r, at, end, hits) == 0;
}

static void add_unread(struct reader *r, size_t start, size_t end)
{
    while (start < end && strchr(" |,;", r->s[start])) start++;
    while (end > start && strchr(" |,;", r->s[end - 1])) end--;
    if (start == end) return;
    if (end - start > UNREAD_SHOWN) {
        end = start + UNREAD_SHOWN;
        while (((unsigned char)r->s[end] & 0xC0) == 0x80) end--;
    }
    if (r->out->n_unread == LAB_UNREAD_MAX) {
        r->out->cut = true;
        return;
    }
    r->out->unread[r->out->n_unread].start = start;
    r->out->unread[r->out->n_unread++].end = end;
}

static void section(struct reader *r, size_t line, size_t end)
{
    static const struct {
        const char *word;
        char specimen;
    } words[] = {{"尿常规", 'u'},     {"尿液", 'u'},   {"尿沉渣", 'u'}, {"尿检", 'u'},   {"尿分析", 'u'},
                 {"urinalysis", 'u'}, {"便常规", 's'}, {"粪便", 's'},   {"大便", 's'},   {"血常规", 'b'},
                 {"血细胞分析", 'b'}, {"生化", 'b'},   {"肝功", 'b'},   {"肾功", 'b'},   {"血脂", 'b'},
                 {"甲功", 'b'},       {"凝血", 'b'},   {"血气", 'b'},   {"电解质", 'b'}, {"肿瘤标志", 'b'},
                 {"cbc", 'b'},        {"blood", 'b'}};
    for (size_t at = line; at < end; at++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (word_at(r, at, end, words[i].word)) r->specimen = words[i].specimen;
}

/* A row without a known name: letters, then a figure, then a unit, a range, a mark or an answer. */
static bool looks_like_row(const struct reader *r, size_t line, size_t end)
{
    static const char *const not_rows[] = {"姓名",   "年龄", "性别", "日期", "时间", "编号",   "病历", "电话", "床号",
                                           "门诊号", "条码", "科室", "医师", "审核", "身份证", "打印", "页",   "样本号",
                                           "住院号", "地址", "date", "name", "age",  "身高",   "体重"};
    struct lab_row row = {0};
    size_t at = line;
    while (at < end && !letter(r->s[at]) && !high(r->s[at])) at++;
    if (at == end) return false;
    for (size_t i = line; i < end; i++)
        for (size_t k = 0; k < sizeof not_rows / sizeof *not_rows; k++)
            if (word_at(r, i, end, not_rows[k])) return false;
    labs_tail_read(&row, r->t, r->s + at, end - at < TAIL_MAX ? end - at : TAIL_MAX, false);
    return row.answer && (row.unit >= 0 || row.n_printed || row.mark || row.strange_unit || row.answer != 'x');
}

/* What follows the result after a comma or a full stop and is no range of it: another thing, whose name is unknown. */
static size_t clause_end(const struct reader *r, size_t from, size_t end, bool list)
{
    static const char *const same[] = {"参考", "正常", "范围", "男",     "女",    "单位", "偏",     "高",  "低",
                                       "↑",    "↓",    "≤",    "≥",      "×",     "h",    "l",      "x",   "升",
                                       "降",   "区间", "ref",  "normal", "range", "male", "female", "low", "high"};
    bool figure = false;
    size_t digits_end = end;
    if (end - from > TAIL_MAX) { /* no row is that long */
        end = from + TAIL_MAX;
        while (end > from && ((unsigned char)r->s[end] & 0xC0) == 0x80) end--;
        digits_end = end;
    }
    while (digits_end > from && !digit(r->s[digits_end - 1])) digits_end--;
    for (size_t i = from; i < digits_end && !list; i++) {
        size_t n = word_at(r, i, end, "。") ? 3 : strchr(",;!?", r->s[i]) ? 1 : 0;
        figure = figure || digit(r->s[i]);
        if (!n || !figure) continue;
        size_t at = i + n, unit_length;
        int unit;
        while (at < end && r->s[at] == ' ') at++;
        if (at == end || !(high(r->s[at]) || letter(r->s[at])) || at >= digits_end) continue;
        unit_length = labs_tail_unit(r->t, r->s + at, end - at, &unit);
        bool goes = unit_length > 0;
        for (size_t k = 0; k < sizeof same / sizeof *same && !goes; k++) goes = word_at(r, at, end, same[k]);
        if (!goes) return i;
    }
    return end;
}

/* How badly an item fits the unit and range of a row: 0 is well. */
static double misfit(const struct reader *r, const struct lab_row *row, int item)
{
    double own, worst = 0;
    if (row->strange_unit || !labs_convert(r->t, item, row->unit, row->x, &own)) return 1000;
    if (own < r->t->items[item].plausible[0] || own > r->t->items[item].plausible[1]) worst = 100;
    for (size_t i = 0; i < r->t->n_ranges && row->unit < 0 && row->n_printed; i++) {
        double top = row->printed[0].high, known = r->t->ranges[i].high;
        if (r->t->ranges[i].item == item && top > 0 && known > 0)
            return worst + (top > known ? top / known : known / top);
    }
    return worst;
}

/* A name of several items (NEU is a share and a count, WBC is in blood and urine): the one that the unit, the size and
 * the range fit, the first chosen if they fit all. */
static void choose_by_fit(const struct reader *r, const struct hit *h, struct lab_row *row)
{
    size_t n = h->end - h->start;
    if (row->answer != 'x') return;
    double held = misfit(r, row, row->item);
    char specimen = r->t->items[row->item].specimen;
    for (int k = r->t->buckets[labs_name_bucket(r->s + h->start, n)]; k >= 0; k = r->t->names[k].next) {
        if (name_length(r, r->t->names[k].text, h->start, h->end) != n) continue;
        if (r->t->items[r->t->names[k].item].kind != 'n') continue;
        double d = misfit(r, row, r->t->names[k].item);
        if (r->t->items[r->t->names[k].item].specimen != specimen) d += 50; /* only if this one cannot be */
        if (d >= held) continue;
        held = d;
        row->item = r->t->names[k].item;
    }
}

static size_t read_hit(struct reader *r, const struct hit *h, size_t tail_end, size_t next_line)
{
    struct lab_row row = {.item = r->t->names[h->name].item, .start = h->start, .end = tail_end};
    int skip = neutral_behind(r, h->end, tail_end);
    size_t from = h->end;
    bool list = from < tail_end && r->s[from] == ',';
    if (skip > 0 && !word_at(r, from, tail_end, "≤") && !word_at(r, from, tail_end, "≥")) skip = 0;
    if (!has_digit(r, from, tail_end) && next_line)
        for (int below = 0; below < LINES_BELOW && next_line < r->n; below++) {
            size_t end = line_end(r, next_line);
            if (!goes_on(r, next_line, end)) break;
            row.end = tail_end = end;
            next_line = end + 1;
        }
    size_t own_end = clause_end(r, from, tail_end, list);
    row.end = own_end;
    labs_tail_read(&row, r->t, r->s + from, own_end - from, list);
    choose_by_fit(r, h, &row);
    if (own_end < tail_end && has_digit(r, own_end, tail_end)) add_unread(r, own_end, tail_end);
    if (!row.answer) {
        if (has_digit(r, from, tail_end)) add_unread(r, h->start, tail_end);
    } else if (r->out->n_rows == LAB_ROWS_MAX) {
        r->out->cut = true;
    } else {
        r->out->rows[r->out->n_rows++] = row;
    }
    return tail_end;
}

static bool same_item(const struct reader *r, const struct hit *a, const struct hit *b)
{
    return r->t->names[a->name].item == r->t->names[b->name].item;
}

/* 血小板压积 PCT: an abbreviation beside a Chinese name says the same item, whatever else it stands for. */
static bool abbreviates(const struct reader *r, const struct hit *a, const struct hit *b)
{
    if (!high(r->s[a->start]) || high(r->s[b->start])) return false;
    for (size_t i = a->end; i < b->start; i++)
        if (!strchr(" |(,:", r->s[i])) return false;
    return true;
}

/* WBC HGB ALT above 12.3 98 33: names without figures, and below them as many figures and nothing else. */
static size_t read_columns(struct reader *r, const struct hit *hits, size_t count, size_t end)
{
    size_t line = end + 1, stop = line < r->n ? line_end(r, line) : line, n = 0, at = line;
    size_t starts[HITS_MAX + 1];
    if (count < 2 || line >= r->n || has_digit(r, hits[0].end, end)) return 0;
    while (at < stop) {
        while (at < stop && strchr(" |,;", r->s[at])) at++;
        if (at == stop) break;
        if (n == count || !(digit(r->s[at]) || strchr("<>", r->s[at]))) return 0;
        starts[n++] = at;
        while (at < stop && !strchr(" |,;", r->s[at])) at++;
    }
    if (n != count) return 0;
    starts[n] = stop;
    for (size_t i = 0; i < n && r->out->n_rows < LAB_ROWS_MAX; i++) {
        struct lab_row row = {.item = r->t->names[hits[i].name].item, .start = starts[i], .end = starts[i + 1]};
        labs_tail_read(&row, r->t, r->s + starts[i], starts[i + 1] - starts[i], false);
        if (row.answer) r->out->rows[r->out->n_rows++] = row;
    }
    return stop + 1;
}

/* Sex and age as printed on the report: what the profile does not say. */
static void read_patient(struct reader *r, size_t line, size_t end)
{
    for (size_t at = line; at < end; at++) {
        size_t i = at;
        if (word_at(r, at, end, "性别")) {
            for (i += strlen("性别"); i < end && strchr(" :|", r->s[i]);) i++;
            if (word_at(r, i, end, "男")) r->out->sex = 'm';
            if (word_at(r, i, end, "女")) r->out->sex = 'f';
        } else if (word_at(r, at, end, "年龄")) {
            double years = 0;
            for (i += strlen("年龄"); i < end && strchr(" :|", r->s[i]);) i++;
            size_t first = i;
            while (i < end && i < first + 3 && digit(r->s[i])) years = 10 * years + (r->s[i++] - '0');
            while (i < end && r->s[i] == ' ') i++;
            if (word_at(r, i, end, "月") || word_at(r, i, end, "个月")) years /= 12;
            if (word_at(r, i, end, "天") || word_at(r, i, end, "日")) years /= 365.25;
            if (i > first && r->out->age < 0) r->out->age = years;
        }
    }
}

/* A figure and the name of an item, in words we do not understand: said, not passed over. */
static bool names_something(const struct reader *r, size_t line, size_t end)
{
    size_t n;
    if (!has_digit(r, line, end)) return false;
    for (size_t at = line; at < end; at++)
        if (high(r->s[at]) && ((unsigned char)r->s[at] & 0xC0) != 0x80 && any_name(r, at, end, &n) >= 0 && n >= 6)
            return true;
    return false;
}

/* Read one line, and those below that belong to it; the offset behind what was read. */
static size_t read_line(struct reader *r, size_t line)
{
    struct hit hits[HITS_MAX];
    size_t end = line_end(r, line), done = end;
    section(r, line, end);
    read_patient(r, line, end);
    size_t count = find_hits(r, line, end, hits);
    if (count == HITS_MAX) r->out->cut = true;
    if (count == 0 && (looks_like_row(r, line, end) || names_something(r, line, end))) add_unread(r, line, end);
    size_t below = read_columns(r, hits, count, end);
    if (below) return below;
    for (size_t i = 0; i < count; i++) {
        size_t stop = i + 1 < count ? hits[i + 1].start : end;
        if (i + 1 < count && same_item(r, &hits[i], &hits[i + 1]) && !has_digit(r, hits[i].end, stop)) {
            hits[i + 1].start = hits[i].start; /* 白细胞(WBC): one item named twice */
            continue;
        }
        if (i + 1 < count && abbreviates(r, &hits[i], &hits[i + 1])) {
            hits[i + 1] = (struct hit){hits[i].start, hits[i + 1].end, hits[i].name};
            continue;
        }
        size_t read_to = read_hit(r, &hits[i], stop, i + 1 == count ? end + 1 : 0);
        if (i + 1 == count) done = read_to;
    }
    return done + 1;
}

void labs_read(struct lab_reading *out, const struct lab_tables *t, const char *text, size_t n)
{
    struct reader r = {out, t, text, n, 'b'};
    memset(out, 0, sizeof *out);
    out->age = -1;
    for (size_t at = 0; at < n;) at = read_line(&r, at);
}
