/* Numbers for threads: sessions remember by them which thread a transaction belongs to. */
#include "guard.h"

__thread uint64_t esent_thread_number;
__thread uint32_t esent_callbacks;

uint64_t esent_new_thread(void)
{
    static uint64_t last;
    return esent_thread_number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}
