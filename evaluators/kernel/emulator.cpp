// How the blocks of a CUDA kernel run on a processor: one block at a time, each of its threads a fiber of its own.
//
// A thread runs until it waits for others: at a barrier of its block, or in an operation of its warp. Threads, and
// blocks, run in order on even calls and the other way round on odd ones, so that a missing barrier shows: in one of the
// two orders a thread reads what its neighbour has not written yet. Every access to memory is told to this file, by the
// calls that a compiler makes for a race detector. What no device would forgive ends the call with words: a barrier that
// some threads never reach, a lane that a warp waits for in vain, an index or an address outside of what a kernel was
// given, a vector off its alignment, and two blocks of one launch that meet at an address where one of them writes
// plainly. Those of a wrong order within a block are not looked for.
#include "emulator.hpp"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "trace.hpp"

extern "C" char speciate_fault[512];
char speciate_fault[512];  // Why the last call was given up; empty where it was not.

namespace emulated {
constexpr int THREADS = 1024;
constexpr size_t STACK = 128 << 10;
constexpr size_t SHARED = 163 << 10;
constexpr size_t GUARD = 256;
constexpr size_t NEAR = 4096;  // Bytes around the buffers of a call that are nobody's.
constexpr int SPANS = 64;
constexpr unsigned char POISON = 0xFF;  // Of memory that nobody has written: NaN, or -1.
enum Waits : char { READY, AT_BARRIER, IN_WARP, DONE };

struct Thread {
    jmp_buf at;
    char* stack;
    Waits waits;
    Kind kind;
    int source;     // Lane that a shuffle reads.
    unsigned mask;  // Lanes that take part in the warp's operation.
    uint64_t given, got;
};
struct Cell {  // Who touched four bytes of a buffer in this launch.
    int64_t launch, block;
    int how;
};
struct Span {
    const char* name;
    uintptr_t start;
    size_t size;
    bool is_input, is_index;
    Cell* cells;
};

State state = {{0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}};
__attribute__((aligned(128))) unsigned char dynamic_shared[SHARED + GUARD];
extern "C" char __bss_start[] __attribute__((visibility("hidden")));
extern "C" char _end[] __attribute__((visibility("hidden")));

static Thread threads[THREADS];
static jmp_buf scheduler;
static ucontext_t fresh;
static int current, count;
static bool backwards = true, running;
static unsigned waiting[THREADS / 32];
static void (*body)(void*);
static void* bound;
static Span spans[SPANS];
static int span_count;
static uintptr_t lowest, highest;  // Of the buffers that the judge laid, one behind the other.
static int64_t launch_number, block_number;
static char* fenced;  // Of each block of this launch, whether it has published what it wrote.
static bool has_acquired;

__attribute__((noinline)) static void leave() {
    if (_setjmp(threads[current].at) == 0) _longjmp(scheduler, 1);
}

__attribute__((noinline, format(printf, 1, 2))) static void fault(const char* text, ...) {
    if (speciate_fault[0]) return;
    va_list told;
    va_start(told, text);
    vsnprintf(speciate_fault, sizeof speciate_fault, text, told);
    va_end(told);
}

static const char* where() {
    static char text[96];
    snprintf(text, sizeof text, "block (%u, %u, %u), thread (%u, %u, %u)", state.block.x, state.block.y, state.block.z,
             state.thread.x, state.thread.y, state.thread.z);
    return text;
}

// Ends the call: fibers that have not returned are left where they stand, and begin anew in the next one.
[[noreturn]] static void give_up() {
    running = false;
    _longjmp(scheduler, 1);
}

static void stop_if_faulty() {
    if (speciate_fault[0]) give_up();
}

static void life() {
    for (;;) {
        body(bound);
        threads[current].waits = DONE;
        leave();
    }
}

__attribute__((noinline)) static void resume(int thread) {
    const dim3& block = state.threads;
    current = thread;
    state.thread = {thread % block.x, thread / block.x % block.y, thread / (block.x * block.y)};
    if (_setjmp(scheduler) != 0) return;
    if (threads[thread].stack) _longjmp(threads[thread].at, 1);
    threads[thread].stack = (char*)malloc(STACK);
    getcontext(&fresh);
    fresh.uc_stack.ss_sp = threads[thread].stack;
    fresh.uc_stack.ss_size = STACK;
    fresh.uc_link = nullptr;
    makecontext(&fresh, life, 0);
    setcontext(&fresh);
}

static void complete(int warp, unsigned lanes) {
    Thread* first = threads + warp * 32;
    unsigned votes = 0;
    for (int lane = 0; lane < 32; lane++) {
        if (lanes >> lane & 1 && first[lane].given) votes |= 1u << lane;
    }
    for (int lane = 0; lane < 32; lane++) {
        if (!(lanes >> lane & 1)) continue;
        Thread& each = first[lane];
        if (each.kind == SHUFFLE && !(lanes >> each.source & 1)) {
            return fault("%s: lane %d reads lane %d, which takes no part in the shuffle", where(), lane, each.source);
        }
        each.got = each.kind == VOTE ? votes : first[each.source].given;
        each.waits = READY;
    }
    waiting[warp] &= ~lanes;
}

int lane() { return current % 32; }

uint64_t in_warp(unsigned mask, Kind kind, uint64_t given, int source) {
    const int warp = current / 32;
    Thread& mine = threads[current];
    if (!(mask >> lane() & 1)) fault("%s: its lane takes part in a warp operation whose mask leaves it out", where());
    const int there = count - warp * 32;
    const unsigned lanes = there >= 32 ? mask : mask & ((1u << there) - 1);
    for (int other = 0; other < 32; other++) {
        if (waiting[warp] >> other & lanes >> other & 1 && threads[warp * 32 + other].mask != mask) {
            fault("%s: lanes of one warp operation name different masks", where());
        }
    }
    stop_if_faulty();
    trace::apart();
    mine.kind = kind, mine.source = source & 31, mine.mask = mask, mine.given = given;
    waiting[warp] |= 1u << lane();
    if ((waiting[warp] & lanes) == lanes) {
        complete(warp, lanes);
        stop_if_faulty();
    } else {
        mine.waits = IN_WARP;
        leave();
    }
    return mine.got;
}

void barrier() {
    trace::apart();
    threads[current].waits = AT_BARRIER;
    leave();
}

void fence() { fenced[block_number] = 1; }

static void told_deadlock() {
    int at_barrier = 0, in_warp = 0, done = 0;
    for (int i = 0; i < count; i++) {
        at_barrier += threads[i].waits == AT_BARRIER;
        in_warp += threads[i].waits == IN_WARP;
        done += threads[i].waits == DONE;
    }
    fault("block (%u, %u, %u) waits for ever: %d of its threads at __syncthreads, %d in a warp operation whose other "
          "lanes do not come, %d have returned", state.block.x, state.block.y, state.block.z, at_barrier, in_warp, done);
}

static bool barrier_is_full() {
    for (int i = 0; i < count; i++) {
        if (threads[i].waits != AT_BARRIER) return false;
    }
    return true;
}

static void run_block(size_t shared) {
    memset(dynamic_shared, POISON, shared + GUARD);
    memset(waiting, 0, sizeof waiting);
    has_acquired = false;
    for (int i = 0; i < count; i++) threads[i].waits = READY;
    for (int left = count; left > 0;) {
        bool moved = false;
        for (int i = 0; i < count; i++) {
            const int thread = backwards ? count - 1 - i : i;
            if (threads[thread].waits != READY) continue;
            moved = true;
            resume(thread);
            if (speciate_fault[0]) return;
            left -= threads[thread].waits == DONE;
        }
        if (moved || left == 0) continue;
        if (!barrier_is_full()) return told_deadlock();
        for (int i = 0; i < count; i++) threads[i].waits = READY;
    }
    for (size_t i = 0; i < GUARD; i++) {
        if (dynamic_shared[shared + i] != POISON) {
            return fault("block (%u, %u, %u) wrote behind its %zu bytes of dynamic shared memory", state.block.x,
                         state.block.y, state.block.z, shared);
        }
    }
}

void run(void (*kernel)(void*), void* given, dim3 grid, dim3 block, size_t shared, int64_t footprint) {
    if (speciate_fault[0]) return;
    body = kernel, bound = given;
    state.blocks = grid, state.threads = block;
    count = block.x * block.y * block.z;
    const int64_t blocks = (int64_t)grid.x * grid.y * grid.z;
    launch_number++;
    fenced = (char*)calloc(blocks, 1);
    trace::launch(blocks, count, footprint);
    running = true;
    for (int64_t i = 0; i < blocks && !speciate_fault[0]; i++) {
        block_number = backwards ? blocks - 1 - i : i;
        if (!trace::block(block_number)) continue;
        state.block = {(unsigned)(block_number % grid.x), (unsigned)(block_number / grid.x % grid.y),
                       (unsigned)(block_number / grid.x / grid.y)};
        run_block(shared);
        trace::end();
    }
    running = false;
    free(fenced);
    if (trace::is_full()) fault("expected the blocks that are written down to touch less memory");
    if (!speciate_fault[0]) return;
    for (Thread& each : threads) {  // A fiber that was given up is in the middle of a kernel.
        free(each.stack);
        each.stack = nullptr;
    }
}

void begin() {
    backwards = !backwards && !trace::is_on();  // What is written down does not depend on what ran before.
    speciate_fault[0] = 0;
    for (int i = 0; i < span_count; i++) free(spans[i].cells);
    span_count = 0;
    lowest = UINTPTR_MAX, highest = 0;
}

void span(const char* name, const void* memory, size_t size, bool is_input, bool is_index) {
    if (span_count == SPANS) return fault("expected at most %d buffers", SPANS);
    const uintptr_t start = (uintptr_t)memory;
    // While accesses are written down, sizes are those that are timed: races were looked for at smaller ones.
    Cell* cells = trace::is_on() ? nullptr : (Cell*)calloc(size / 4 + 2, sizeof(Cell));
    spans[span_count++] = {name, start, size, is_input, is_index, cells};
    if (start < lowest) lowest = start;
    if (start + size > highest) highest = start + size;
}

Scratch::Scratch(const char* name, size_t size, bool is_index) : name(name), size(size) {
    memory = (unsigned char*)aligned_alloc(GUARD, (size + 3 * GUARD - 1) / GUARD * GUARD);
    memset(memory, POISON, size + 2 * GUARD);
    const uintptr_t low = lowest, high = highest;
    span(name, start(), size, false, is_index);
    lowest = low, highest = high;
}

Scratch::~Scratch() {
    for (size_t i = 0; i < GUARD; i++) {
        if (memory[i] != POISON || memory[GUARD + size + i] != POISON) fault("wrote outside of scratch %s", name);
    }
    free(memory);
}

void* Scratch::start() const { return memory + GUARD; }

static void meet(Span& span, size_t offset, int how) {
    Cell& cell = span.cells[(span.start % 4 + offset) / 4];
    if (cell.launch != launch_number) {
        cell = {launch_number, block_number, how};
        return;
    }
    if (cell.block != block_number) {
        const int both = cell.how | how;
        // What a block has published by a fence, another may use that has learnt of it by an atomic operation.
        const bool ordered = fenced[cell.block] && has_acquired;
        if (!ordered && both != trace::LOAD_BIT && both != trace::ATOMIC_BIT) {
            fault("a race: blocks %lld and %lld of one launch meet at byte %zu of %s, and not by atomics alone",
                  (long long)cell.block, (long long)block_number, offset, span.name);
            give_up();
        }
        if (ordered) cell.how = 0;
        cell.block = block_number;
    }
    cell.how |= how;
}

static void touch(const void* address, size_t size, trace::Code code, const void* site) {
    if (!running) return;
    const uintptr_t at = (uintptr_t)address;
    if (at - (uintptr_t)__bss_start < (size_t)(_end - __bss_start)) return trace::shared(size);
    for (int i = 0; i < span_count; i++) {
        Span& span = spans[i];
        const size_t offset = at - span.start;
        if (offset >= span.size) continue;
        if (offset + size > span.size) break;
        if (span.is_input && code != trace::LOAD) {
            fault("%s: writes to its input %s", where(), span.name);
            give_up();
        }
        if (span.cells && size >= 4) {
            for (size_t each = 0; each < size; each += 4) meet(span, offset + each, trace::bit(code));
        }
        return trace::access(code, site, current, (int64_t)at, (int)size, span.is_index);
    }
    if (at - (lowest - NEAR) < highest - lowest + 2 * NEAR) {
        fault("%s: %s an address outside of its buffers", where(), code == trace::LOAD ? "reads" : "writes");
        give_up();
    }
}

void atomic(const void* address, size_t size) {
    has_acquired = true;
    touch(address, size, trace::ATOMIC, __builtin_return_address(0));
}

struct Place {
    const char* file;
    uint32_t line, column;
};
[[noreturn]] static void misused(const char* what, const void* place) {
    fault("%s: %s, line %u", where(), what, static_cast<const Place*>(place)->line);
    give_up();
}
}  // namespace emulated

extern "C" {
// What the compiler calls where it checks an index or an alignment, and at every access to memory.
[[noreturn]] void __ubsan_handle_out_of_bounds_abort(void* place, void*) {
    emulated::misused("an index is outside of its array", place);
}
[[noreturn]] void __ubsan_handle_type_mismatch_v1_abort(void* place, void*) {
    emulated::misused("an address is not a multiple of its type's alignment", place);
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
#define EMULATED_TOUCH(name, size, code) \
    void name(void* address) { emulated::touch(address, size, trace::code, __builtin_return_address(0)); }
EMULATED_TOUCH(__tsan_read1, 1, LOAD)
EMULATED_TOUCH(__tsan_read2, 2, LOAD)
EMULATED_TOUCH(__tsan_read4, 4, LOAD)
EMULATED_TOUCH(__tsan_read8, 8, LOAD)
EMULATED_TOUCH(__tsan_read16, 16, LOAD)
EMULATED_TOUCH(__tsan_write1, 1, STORE)
EMULATED_TOUCH(__tsan_write2, 2, STORE)
EMULATED_TOUCH(__tsan_write4, 4, STORE)
EMULATED_TOUCH(__tsan_write8, 8, STORE)
EMULATED_TOUCH(__tsan_write16, 16, STORE)
void __tsan_read_range(void* address, size_t size) {
    emulated::touch(address, size, trace::LOAD, __builtin_return_address(0));
}
void __tsan_write_range(void* address, size_t size) {
    emulated::touch(address, size, trace::STORE, __builtin_return_address(0));
}
#define EMULATED_SPECIAL(T, name) \
    T __real_##name(T); \
    T __wrap_##name(T value) { \
        trace::special(); \
        return __real_##name(value); \
    }
EMULATED_SPECIAL(float, expf)
EMULATED_SPECIAL(float, logf)
EMULATED_SPECIAL(float, tanhf)
EMULATED_SPECIAL(double, exp)
EMULATED_SPECIAL(double, log)
}
