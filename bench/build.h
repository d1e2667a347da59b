/* Workloads that the shared driver has not: indexes made on a filled table, and a temporary table that is sorted.
 * One driver, an adapter for each engine. Row: key (int32, primary), number (int32), text. */
#ifndef BUILD_H
#define BUILD_H
#include <stdint.h>

typedef struct {
    const char *name;
    void (*open)(const char *dir);                 /* a new, empty store with the table */
    void (*close)(void);
    void (*begin)(void);
    void (*commit)(void);
    void (*put)(int32_t key, int32_t number, const char *text, uint32_t size);
    void (*index_number)(void);
    void (*index_text)(void);
    void (*sort_begin)(void);                      /* a temporary table of two numbers, to be ordered by the first */
    void (*sort_put)(int32_t number, int32_t key);
    uint64_t (*sort_end)(uint64_t *disorder);      /* reads all in order; rows seen, and how many were out of order */
} builder;

extern const builder BUILDER;
void die(const char *what, long code);
#endif
