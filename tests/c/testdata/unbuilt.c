/* Calls each function named on standard input and expects that it is not built. */
#include <unistd.h>
#include "host.h"

typedef JET_ERR (JET_API *any)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                               uintptr_t, uintptr_t, uintptr_t, uintptr_t);

int main(int argc, char **argv)
{
    char name[100];
    int bad = 0;
    while (scanf("%99s", name) == 1) {
        any f;
        JET_ERR err;
        *(void **)&f = load(argv[argc - 1], name);
        err = f(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        if (err != JET_errFeatureNotAvailable) {
            printf("%s: %d\n", name, (int)err);
            bad = 1;
        }
    }
    return bad;
}
