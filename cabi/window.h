/* What the engine shows C code of a session: package window in C, where the meaning of everything stands. */
#ifndef ESENT_WINDOW_H
#define ESENT_WINDOW_H

#include <stdint.h>

enum { ESENT_BUSY_INSIDE = 1, ESENT_KEY_MOST = 256 };

struct esent_place { uint16_t offset, size; };

struct esent_layout {
    uint32_t stale;
    uint32_t large;
    struct esent_place fixed[128];
    uint8_t var[128];
    uint8_t tagged[256];
};

struct esent_window {
    uint32_t busy;
    uint32_t moved;
    const uint32_t *gate;
    uintptr_t session;
    uintptr_t cursor;

    const uint64_t *version;
    uint64_t seen;
    const uint8_t *page;
    uint64_t clean_below;
    uint32_t page_size;
    int32_t line;
    const uint8_t *record;
    uint32_t record_size;
    uint32_t movable;
    const struct esent_layout *layout;

    uint8_t key[2][ESENT_KEY_MOST];
    uint32_t key_size;
    uint32_t now;
};

/* Lets C code find the window of the session whose handle has this slot. It is called by one thread at a time. */
int esent_show_window(uint32_t slot, struct esent_window *w) __attribute__((visibility("hidden")));

#endif
