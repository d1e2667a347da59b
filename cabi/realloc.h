/* How Go calls the memory function that a caller of JetEnumerateColumns brings. */
#ifndef ESENT_REALLOC_H
#define ESENT_REALLOC_H

#include "../include/esent.h"

static inline void *esent_realloc(JET_PFNREALLOC call, void *context, void *p, uint32_t size) { return call(context, p, size); }

#endif
