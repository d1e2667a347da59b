/* Short calls answered without Go: the next record, and columns that lie in the present one as they are. Whatever is
 * not simple is left to Go, which does the call from its beginning; so nothing here fails. See package window.
 *
 * Pages change while they are read. All offsets are read once and checked against what they lie in, and what was
 * read counts only if the page's version is the same afterwards. */
#define JET_VERSION 0x0A02
#include <stdlib.h>
#include <string.h>

#include "../include/esent.h"
#include "guard.h"
#include "window.h"

_Static_assert(sizeof(JET_SESID) == sizeof(uintptr_t) && sizeof(JET_TABLEID) == sizeof(uintptr_t), "handles");

/* Windows by the slot of the session's handle, in chunks; see handle.go. */
enum { SLOT_MASK = 0x0FFFFFFF, CHUNK_BITS = 10, CHUNK_SLOTS = 1 << CHUNK_BITS, CHUNKS = 1 << 12 };
static struct esent_window **chunks[CHUNKS];

int esent_show_window(uint32_t slot, struct esent_window *w)
{
    struct esent_window **chunk;
    if (slot >= (uint32_t)CHUNKS << CHUNK_BITS)
        return 0;
    chunk = chunks[slot >> CHUNK_BITS];
    if (!chunk) {
        chunk = calloc(CHUNK_SLOTS, sizeof *chunk);
        if (!chunk)
            return 0;
        __atomic_store_n(&chunks[slot >> CHUNK_BITS], chunk, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&chunk[slot & (CHUNK_SLOTS - 1)], w, __ATOMIC_RELEASE);
    return 1;
}

static inline int shows(const struct esent_window *w, JET_SESID sesid, JET_TABLEID tableid)
{
    return __atomic_load_n(&w->session, __ATOMIC_RELAXED) == sesid && __atomic_load_n(&w->cursor, __ATOMIC_RELAXED) == tableid;
}

static inline void leave(struct esent_window *w)
{
    __atomic_and_fetch(&w->busy, ~(uint32_t)ESENT_BUSY_INSIDE, __ATOMIC_RELEASE);
}

/* Says whether what was read from the page so far is right. */
static inline int valid(const struct esent_window *w)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(w->version, __ATOMIC_RELAXED) == w->seen;
}

/* Begins a call on the session if the cursor is the one that its window shows, and the page as it was then. */
static inline struct esent_window *enter(JET_SESID sesid, JET_TABLEID tableid)
{
    uint32_t slot = (uint32_t)sesid & SLOT_MASK, idle = 0;
    struct esent_window **chunk, *w;
    if (slot >= (uint32_t)CHUNKS << CHUNK_BITS || !tableid)
        return NULL;
    chunk = __atomic_load_n(&chunks[slot >> CHUNK_BITS], __ATOMIC_ACQUIRE);
    if (!chunk)
        return NULL;
    w = __atomic_load_n(&chunk[slot & (CHUNK_SLOTS - 1)], __ATOMIC_ACQUIRE);
    if (!w || !shows(w, sesid, tableid))
        return NULL;
    if (!__atomic_compare_exchange_n(&w->busy, &idle, ESENT_BUSY_INSIDE, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return NULL;
    if (shows(w, sesid, tableid) && __atomic_load_n(w->gate, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&w->layout->stale, __ATOMIC_SEQ_CST) == 0 && valid(w))
        return w;
    leave(w);
    return NULL;
}

struct __attribute__((packed)) word16 { uint16_t v; };
struct __attribute__((packed)) word32 { uint32_t v; };
struct __attribute__((packed)) word64 { uint64_t v; };
static inline uint32_t load16(const uint8_t *p) { return ((const volatile struct word16 *)p)->v; }
static inline uint32_t load32(const uint8_t *p) { return ((const volatile struct word32 *)p)->v; }
static inline uint64_t load64(const uint8_t *p) { return ((const volatile struct word64 *)p)->v; }
static inline uint32_t load8(const uint8_t *p) { return *(const volatile uint8_t *)p; }

/* Records (spec chapter 04, 2). */
enum {
    RECORD_HEAD = 4, FIRST_VAR = 128, FIRST_TAGGED = 256, VAR_NONE = 127, VAR_NULL = 0x8000, VAR_MASK = 0x7FFF,
    TAG_DERIVED = 0x8000, TAG_HEADED = 0x4000, TAG_NULL = 0x2000, TAG_MASK_SMALL = 0x1FFF, TAG_MASK_LARGE = 0x7FFF,
    HEAD_LONG = 0x01, FIELDS_MOST = 24
};

static inline const uint8_t *fixed(const struct esent_window *w, uint32_t fid, uint32_t *size)
{
    struct esent_place place = w->layout->fixed[fid];
    const uint8_t *rec = w->record;
    uint32_t head = load32(rec), last = head & 0xFF, end = head >> 16, nulls = (last + 7) / 8;
    if (!place.size || fid > last || end > w->record_size || place.offset + place.size + nulls > end)
        return NULL;
    if (load8(rec + end - nulls + (fid - 1) / 8) >> (fid - 1) % 8 & 1)
        return NULL;
    *size = place.size;
    return rec + place.offset;
}

/* The variable columns of a record. */
struct variables { const uint8_t *offsets, *data; uint32_t count, room; };

static inline int variables_of(const struct esent_window *w, struct variables *v)
{
    uint32_t head = load32(w->record), array = head >> 16;
    v->count = (head >> 8 & 0xFF) - VAR_NONE;
    if (v->count > 128 || array + 2 * v->count > w->record_size)
        return 0;
    v->offsets = w->record + array;
    v->data = v->offsets + 2 * v->count;
    v->room = w->record_size - array - 2 * v->count;
    return 1;
}

static inline const uint8_t *variable(const struct esent_window *w, uint32_t i, uint32_t *size)
{
    struct variables v;
    uint32_t start, end;
    if (!w->layout->var[i] || !variables_of(w, &v) || i >= v.count)
        return NULL;
    start = i ? load16(v.offsets + 2 * (i - 1)) & VAR_MASK : 0;
    end = load16(v.offsets + 2 * i);
    if (end & VAR_NULL || start > end || end > v.room)
        return NULL;
    *size = end - start;
    return v.data + start;
}

static inline const uint8_t *tagged(const struct esent_window *w, uint32_t fid, uint32_t *size)
{
    struct variables v;
    const uint8_t *b;
    uint32_t start, end, room, mask, n, i, field;
    if (!w->layout->tagged[fid - FIRST_TAGGED] || !variables_of(w, &v))
        return NULL;
    start = v.count ? load16(v.offsets + 2 * (v.count - 1)) & VAR_MASK : 0;
    if (start + 4 > v.room)
        return NULL;
    b = v.data + start;
    room = v.room - start;
    mask = w->layout->large ? TAG_MASK_LARGE : TAG_MASK_SMALL;
    n = (load16(b + 2) & mask) / 4;
    if (n > FIELDS_MOST || 4 * n > room)
        return NULL;
    for (i = 0; i < n; i++) {
        field = load32(b + 4 * i);
        if ((field & 0xFFFF) != fid || field >> 16 & TAG_DERIVED)
            continue;
        field >>= 16;
        start = field & mask;
        end = i + 1 < n ? load16(b + 4 * i + 6) & mask : room;
        if (start > end || end > room)
            return NULL;
        if (w->layout->large || field & TAG_HEADED) {
            if (start == end || load8(b + start) & ~(uint32_t)HEAD_LONG)
                return NULL;
            start++;
        } else if (field & TAG_NULL) {
            return NULL;
        }
        *size = end - start;
        return b + start;
    }
    return NULL;
}

/* Copies a column's value if it is all there and the buffer holds it. */
static inline int retrieve(const struct esent_window *w, JET_COLUMNID id, void *buffer, uint32_t room, uint32_t *actual)
{
    const uint8_t *value;
    uint32_t size;
    if (!buffer || w->record_size < RECORD_HEAD)
        return 0;
    if (id < FIRST_VAR)
        value = fixed(w, id, &size);
    else if (id < FIRST_TAGGED)
        value = variable(w, id - FIRST_VAR, &size);
    else if (id < FIRST_TAGGED + sizeof w->layout->tagged)
        value = tagged(w, id, &size);
    else
        return 0;
    if (!value || size > room)
        return 0;
    memcpy(buffer, value, size);
    *actual = size;
    return 1;
}

int fast_JetRetrieveColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid, void *pvData, uint32_t cbData, uint32_t *pcbActual, JET_GRBIT grbit, JET_RETINFO *pretinfo, JET_ERR *err)
{
    struct esent_window *w;
    uint32_t actual;
    int done;
    if (grbit || pretinfo || !(w = enter(sesid, tableid)))
        return 0;
    done = retrieve(w, columnid, pvData, cbData, &actual) && valid(w);
    leave(w);
    if (!done)
        return 0;
    if (pcbActual)
        *pcbActual = actual;
    *err = JET_errSuccess;
    return 1;
}

enum { COLUMNS_MOST = 16 };

int fast_JetRetrieveColumns(JET_SESID sesid, JET_TABLEID tableid, JET_RETRIEVECOLUMN *pretrievecolumn, uint32_t cretrievecolumn, JET_ERR *err)
{
    struct esent_window *w;
    uint32_t actual[COLUMNS_MOST], i;
    int done = 1;
    if (!pretrievecolumn || !cretrievecolumn || cretrievecolumn > COLUMNS_MOST || !(w = enter(sesid, tableid)))
        return 0;
    for (i = 0; i < cretrievecolumn && done; i++) {
        const JET_RETRIEVECOLUMN *c = &pretrievecolumn[i];
        done = !c->grbit && c->itagSequence == 1 && !c->ibLongValue && retrieve(w, c->columnid, c->pvData, c->cbData, &actual[i]);
    }
    done = done && valid(w);
    leave(w);
    if (!done)
        return 0;
    for (i = 0; i < cretrievecolumn; i++) {
        pretrievecolumn[i].cbActual = actual[i];
        pretrievecolumn[i].columnidNextTagged = pretrievecolumn[i].columnid;
        pretrievecolumn[i].err = JET_errSuccess;
    }
    *err = JET_errSuccess;
    return 1;
}

/* Pages (spec chapter 02, 6 and 7). */
enum {
    SMALL_PAGE = 8192, SMALL_HEADER = 40, LARGE_HEADER = 80, OFF_DBTIME = 8, OFF_TAGS = 34, OFF_FLAGS = 36,
    TAG_COUNT = 0x0FFF, TAG_RESERVED_SHIFT = 12, TAG_RESERVED = 7, TAG_LENGTH_SMALL = 0x1FFF, TAG_LENGTH_LARGE = 0x7FFF,
    PAGE_ROOT = 1, NODE_VERSION = 1, NODE_DELETED = 2, NODE_COMPRESSED = 4, KEY_LENGTH = 0x1FFF
};

/* A page as far as lines are looked up in it. */
struct tags { uint32_t count, first, header, mask, limit; };

static inline const uint8_t *bytes_of_tag(const struct esent_window *w, const struct tags *g, uint32_t t, uint32_t *size, uint32_t *word)
{
    uint32_t off;
    *word = load32(w->page + w->page_size - 4 * (t + 1));
    off = g->header + (*word >> 16 & g->mask);
    *size = *word & g->mask;
    if (off > g->limit || *size > g->limit - off)
        return NULL;
    return w->page + off;
}

/* Steps to the line behind the present one. */
static inline int step(struct esent_window *w)
{
    struct tags g;
    uint32_t state = load16(w->page + OFF_TAGS), large = w->page_size > SMALL_PAGE, size, word, ignored, flags, head, prefix_size = 0, suffix_size, room;
    const uint8_t *line, *prefix = NULL;
    uint8_t *key;
    g.header = large ? LARGE_HEADER : SMALL_HEADER;
    g.mask = large ? TAG_LENGTH_LARGE : TAG_LENGTH_SMALL;
    g.count = state & TAG_COUNT;
    g.first = state >> TAG_RESERVED_SHIFT & TAG_RESERVED;
    if (!g.first)
        g.first = 1;
    if (g.count > (w->page_size - g.header) / 4 || (uint32_t)w->line + 1 + g.first >= g.count)
        return 0;
    g.limit = w->page_size - 4 * g.count;
    line = bytes_of_tag(w, &g, (uint32_t)w->line + 1 + g.first, &size, &word);
    if (!line || size < 4)
        return 0;
    flags = large ? load8(line + 1) >> 5 : word >> 29;
    if (flags & NODE_DELETED || (flags & NODE_VERSION && load64(w->page + OFF_DBTIME) >= w->clean_below))
        return 0;
    head = 2;
    suffix_size = load16(line) & KEY_LENGTH;
    if (flags & NODE_COMPRESSED) {
        if (load32(w->page + OFF_FLAGS) & PAGE_ROOT)
            return 0;
        head = 4;
        prefix_size = suffix_size;
        suffix_size = load16(line + 2) & KEY_LENGTH;
        prefix = bytes_of_tag(w, &g, 0, &room, &ignored);
        if (!prefix || prefix_size > room)
            return 0;
    }
    if (head + suffix_size > size || prefix_size + suffix_size > ESENT_KEY_MOST)
        return 0;
    key = w->key[(w->now ^ 1) & 1];
    if (prefix_size)
        memcpy(key, prefix, prefix_size);
    memcpy(key + prefix_size, line + head, suffix_size);
    if (!valid(w))
        return 0;
    w->now ^= 1;
    w->key_size = prefix_size + suffix_size;
    w->line++;
    w->record = line + head + suffix_size;
    w->record_size = size - head - suffix_size;
    w->moved++;
    return 1;
}

int fast_JetMove(JET_SESID sesid, JET_TABLEID tableid, int32_t cRow, JET_GRBIT grbit, JET_ERR *err)
{
    struct esent_window *w;
    int done;
    if (cRow != 1 || grbit || !(w = enter(sesid, tableid)))
        return 0;
    done = w->movable && step(w);
    leave(w);
    *err = JET_errSuccess;
    return done;
}
