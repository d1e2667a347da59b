/* Libraries and programs that callbacks of the catalog are found in. */
#ifndef ESENT_MODULE_H
#define ESENT_MODULE_H

#ifdef _WIN32
#include <windows.h>

static inline void *esent_load_module(const char *name) { return name ? (void *)LoadLibraryA(name) : (void *)GetModuleHandleA(NULL); }
static inline void *esent_find_function(void *module, const char *name) { return (void *)GetProcAddress((HMODULE)module, name); }
#else
#include <dlfcn.h>

static inline void *esent_load_module(const char *name) { return dlopen(name, RTLD_NOW); }
static inline void *esent_find_function(void *module, const char *name) { return dlsym(module, name); }
#endif

#endif
