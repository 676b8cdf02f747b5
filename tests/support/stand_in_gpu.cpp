// A driver without a device: its memory is the host's, its kernels are functions of a shared object, and its clock is
// told by them. Built against the vendor's header, so that a name or a type that differs does not compile; loaded under
// the driver's name. What an image holds is the path of that shared object.
//
// A kernel NAME is a function of grid, block and parameters that returns the error that it ends with. NAME_sizes is a
// string with the bytes of each parameter. NAME_ms are the milliseconds that it takes on inputs that are not in the
// cache; a tenth of that where less than twice the cache was written since the last launch, or where NAME_keeps is there
// and nobody took back what the cache keeps for it.
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

static const int L2_BYTES = 64 << 10, SHARED_MOST = 100 << 10;
static double now_ms;
static size_t written;
static bool keeps;
static CUresult broken = CUDA_SUCCESS;

struct Kernel {
    int (*body)(const unsigned*, const unsigned*, void**);
    const float* ms;
    const void* keeps;
    const char* sizes;
    int shared;
    bool prefers_shared;
};
struct Mark {
    double ms;
};
struct Launch {
    Kernel* kernel;
    unsigned grid[3], block[3];
    std::vector<std::string> values;  // as long as a graph lives
};
using Graph = std::vector<Launch>;
static Graph* captured;

static std::map<std::string, Kernel> kernels;

static std::string visible() {
    const char* told = getenv("CUDA_VISIBLE_DEVICES");
    return told ? told : "0,1";
}

template <class Work> static CUresult clocked(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    now_ms += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    return broken;
}

static CUresult made(Launch& launch) {
    Kernel& kernel = *launch.kernel;
    const bool is_cold = written >= 2 * L2_BYTES && !(kernel.keeps && keeps);
    std::vector<void*> parameters;
    for (std::string& each : launch.values) parameters.push_back(&each[0]);
    broken = (CUresult)kernel.body(launch.grid, launch.block, parameters.data());
    now_ms += *kernel.ms * (is_cold ? 1.0 : 0.1);
    keeps = kernel.keeps;
    written = 0;
    return CUDA_SUCCESS;
}

extern "C" {
CUresult CUDAAPI cuInit(unsigned flags) { return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }
CUresult CUDAAPI cuDeviceGetCount(int* count) {
    *count = (int)(visible().size() + 1) / 2;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGet(CUdevice* device, int ordinal) {
    if (2 * ordinal >= (int)visible().size()) return CUDA_ERROR_INVALID_DEVICE;
    *device = visible()[2 * ordinal] - '0';
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGetName(char* name, int size, CUdevice) {
    snprintf(name, size, "Stand-in H100");
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) {
    memset(uuid->bytes, device, sizeof uuid->bytes);
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGetPCIBusId(char* bus, int size, CUdevice device) {
    snprintf(bus, size, "0000:0%d:00.0", device);
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
    switch (attribute) {
        case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 132; break;
        case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *value = 1980000; break;
        case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: *value = 2619000; break;
        case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: *value = 5120; break;
        case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *value = L2_BYTES; break;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; break;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuGetErrorName(CUresult error, const char** name) {
    *name = error == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_OTHER";
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuGetErrorString(CUresult, const char** text) {
    *text = "as told by the stand-in";
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
    *context = (CUcontext)&now_ms;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuCtxSetCurrent(CUcontext context) {
    return context == (CUcontext)&now_ms ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}
CUresult CUDAAPI cuCtxSynchronize() { return broken; }
CUresult CUDAAPI cuCtxResetPersistingL2Cache() {
    keeps = false;
    return broken;
}

CUresult CUDAAPI cuMemAlloc_v2(CUdeviceptr* memory, size_t size) {
    *memory = (CUdeviceptr)malloc(size);
    return *memory ? broken : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult CUDAAPI cuMemFree_v2(CUdeviceptr memory) {
    free((void*)memory);
    return broken;
}
CUresult CUDAAPI cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t size) {
    memcpy((void*)to, from, size);
    return broken;
}
CUresult CUDAAPI cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t size) {
    memcpy(to, (void*)from, size);
    return broken;
}
CUresult CUDAAPI cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream) {
    return clocked([=] { memcpy((void*)to, (void*)from, size); });
}
CUresult CUDAAPI cuMemsetD8Async(CUdeviceptr memory, unsigned char byte, size_t size, CUstream) {
    written += size;
    return clocked([=] { memset((void*)memory, byte, size); });
}

CUresult CUDAAPI cuModuleLoadData(CUmodule* module, const void* image) {
    *module = (CUmodule)dlopen((const char*)image, RTLD_NOW | RTLD_LOCAL);
    return *module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
}
CUresult CUDAAPI cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    const auto found = [=](const char* end) { return dlsym((void*)module, (std::string(name) + end).c_str()); };
    if (!found("")) return CUDA_ERROR_NOT_FOUND;
    using Body = int (*)(const unsigned*, const unsigned*, void**);
    const Kernel made = {(Body)found(""), (const float*)found("_ms"), found("_keeps"), (const char*)found("_sizes"), 48 << 10, false};
    *function = (CUfunction)&kernels.emplace(name, made).first->second;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > SHARED_MOST) return CUDA_ERROR_INVALID_VALUE;
    ((Kernel*)function)->shared = value;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuFuncSetCacheConfig(CUfunction function, CUfunc_cache config) {
    ((Kernel*)function)->prefers_shared = config == CU_FUNC_CACHE_PREFER_SHARED;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* size) {
    const char* sizes = ((Kernel*)function)->sizes;
    if (index >= strlen(sizes)) return CUDA_ERROR_INVALID_VALUE;
    *offset = 0;
    for (size_t i = 0; i < index; i++) *offset += sizes[i];
    *size = sizes[index];
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                unsigned bz, unsigned shared, CUstream stream, void** parameters, void** extra) {
    Kernel& kernel = *(Kernel*)function;
    if (broken) return broken;
    if (!gx || !bx || bx * by * bz > 512 || (int)shared > kernel.shared || extra ||
        kernel.prefers_shared != (kernel.shared > 48 << 10)) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
    if (stream != (CUstream)captured) return CUDA_ERROR_INVALID_HANDLE;
    Launch launch = {&kernel, {gx, gy, gz}, {bx, by, bz}, {}};
    for (size_t i = 0; kernel.sizes[i]; i++) launch.values.emplace_back((char*)parameters[i], kernel.sizes[i]);
    if (!captured) return made(launch);
    captured->push_back(launch);
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuStreamCreate(CUstream* stream, unsigned flags) {
    *stream = (CUstream) new Graph;
    return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
CUresult CUDAAPI cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    captured = (Graph*)stream;
    return mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult CUDAAPI cuStreamEndCapture(CUstream stream, CUgraph* graph) {
    *graph = (CUgraph)stream;
    captured = nullptr;
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuGraphInstantiateWithFlags(CUgraphExec* whole, CUgraph graph, unsigned long long flags) {
    *whole = (CUgraphExec)graph;
    return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
CUresult CUDAAPI cuGraphLaunch(CUgraphExec whole, CUstream stream) {
    for (Launch& each : *(Graph*)whole) made(each);
    return stream ? CUDA_ERROR_INVALID_HANDLE : broken;
}

CUresult CUDAAPI cuEventCreate(CUevent* event, unsigned) {
    *event = (CUevent) new Mark{0};
    return CUDA_SUCCESS;
}
CUresult CUDAAPI cuEventRecord(CUevent event, CUstream) {
    ((Mark*)event)->ms = now_ms;
    return broken;
}
CUresult CUDAAPI cuEventElapsedTime(float* ms, CUevent first, CUevent second) {
    *ms = (float)(((Mark*)second)->ms - ((Mark*)first)->ms);
    return broken;
}

// Of the management library: the header is not part of the compiler's packages.
int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** device) {
    *device = (void*)(intptr_t)(bus[6] - '0' + 1);
    return 0;
}
int nvmlDeviceGetClockInfo(void*, int kind, unsigned* mhz) {
    *mhz = kind == 1 ? 1755 : 2619;
    return 0;
}
int nvmlDeviceGetTemperature(void*, int, unsigned* degrees) {
    *degrees = 41;
    return 0;
}
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
    *milliwatts = 321500;
    return 0;
}
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) {
    *milliwatts = 700000;
    return 0;
}
}
