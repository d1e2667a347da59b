/* dlclose, and dlopen again: the library stays, with its runtime. */
#include <unistd.h>
#include "host.h"

int main(int argc, char **argv)
{
    int i;
    for (i = 0; i < 50; i++) {
        void *h = dlopen(argv[argc - 1], RTLD_NOW | (i % 2 ? RTLD_GLOBAL : RTLD_LOCAL));
        if (!h) FAIL("%s", dlerror());
        *(void **)&p_info = dlsym(h, "JetGetErrorInfoW");
        if (!p_info || call()) FAIL("call failed");
        if (dlclose(h)) FAIL("%s", dlerror());
        if (call()) FAIL("call after dlclose failed");
    }
    return 0;
}
