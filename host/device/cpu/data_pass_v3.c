/* data_pass_v3.c - the kernels of the data pass for x86-64-v3; variants.cmake sets the instructions. */
#ifdef __x86_64__
#define AIT_VARIANT v3
#include "device/cpu/data_pass_kernel.c"
#include "device/cpu/thin_kernel.c"
#endif
