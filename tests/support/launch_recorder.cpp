// A driver that carries nothing out, for Triton's own launcher: it writes down what it is handed. A line a launch, in
// the file RECORD: kernel, grid, block, bytes of shared memory, attributes, and each parameter as a whole number of as
// many bytes as SIZES has digits.
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static const int ARCHITECTURE = 90, SHARED_MOST = 227 << 10, THREADS_MOST = 1024;
static int something;

extern "C" {
CUresult CUDAAPI cuGetErrorString(CUresult, const char** text) { return *text = "none", CUDA_SUCCESS; }
CUresult CUDAAPI cuDriverGetVersion(int* version) { return *version = CUDA_VERSION, CUDA_SUCCESS; }
CUresult CUDAAPI cuCtxGetCurrent(CUcontext* context) { return *context = (CUcontext)&something, CUDA_SUCCESS; }
CUresult CUDAAPI cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }
CUresult CUDAAPI cuCtxGetDevice(CUdevice* device) { return *device = 0, CUDA_SUCCESS; }
CUresult CUDAAPI cuCtxGetLimit(size_t*, CUlimit) { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult CUDAAPI cuCtxSetLimit(CUlimit, size_t) { return CUDA_ERROR_NOT_SUPPORTED; }
CUresult CUDAAPI cuDeviceGet(CUdevice* device, int) { return *device = 0, CUDA_SUCCESS; }
CUresult CUDAAPI cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) { return cuCtxGetCurrent(context); }
CUresult CUDAAPI cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
    *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? ARCHITECTURE / 10
             : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? ARCHITECTURE % 10
                                                                         : SHARED_MOST;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuModuleLoadData(CUmodule* module, const void*) { return *module = (CUmodule)&something, CUDA_SUCCESS; }
CUresult CUDAAPI cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }
CUresult CUDAAPI cuModuleGetFunction(CUfunction* function, CUmodule, const char* name) {
    return *function = (CUfunction)strdup(name), CUDA_SUCCESS;
}
CUresult CUDAAPI cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction) {
    return *value = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? THREADS_MOST : 0, CUDA_SUCCESS;
}
CUresult CUDAAPI cuFuncSetAttribute(CUfunction, CUfunction_attribute attribute, int) {
    const bool known = attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult CUDAAPI cuFuncSetCacheConfig(CUfunction, CUfunc_cache) { return CUDA_SUCCESS; }
CUresult CUDAAPI cuPointerGetAttribute(void* found, CUpointer_attribute, CUdeviceptr pointer) {
    return *(CUdeviceptr*)found = pointer, CUDA_SUCCESS;
}
CUresult CUDAAPI cuLaunchKernelEx(const CUlaunchConfig* how, CUfunction function, void** parameters, void**) {
    FILE* out = fopen(getenv("RECORD"), "a");
    fprintf(out, "%s %u %u %u %u %u %u %u %u", (const char*)function, how->gridDimX, how->gridDimY, how->gridDimZ,
            how->blockDimX, how->blockDimY, how->blockDimZ, how->sharedMemBytes, how->numAttrs);
    for (const char* digit = getenv("SIZES"); *digit; digit++, parameters++) {
        uint64_t value = 0;
        memcpy(&value, *parameters, *digit - '0');
        fprintf(out, " %llu", (unsigned long long)value);
    }
    fprintf(out, "\n");
    return fclose(out) ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}
}
