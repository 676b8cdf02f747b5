// What a few blocks of each launch do, written down as _kernel_trace.py says: where it is asked for, into the judge's
// memory, whose first word says how many follow.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace trace {
enum Code : char { LAUNCH, PROGRAM, LOAD, STORE, ATOMIC, WORK };
constexpr int LOAD_BIT = 1 << LOAD, ATOMIC_BIT = 1 << ATOMIC;
inline int bit(Code code) { return 1 << code; }

constexpr int HEAD = 4, WATCHED = 4;
constexpr int64_t WHOLE = 1 << 22;  // Threads of a launch up to which all its blocks run.
constexpr int MOST_BYTES = 16;      // Of one access of a thread; a longer one is several.
constexpr uint32_t UNROLLED = 4;    // Turns of a loop whose loads a compiler asks for before it uses the first.

struct Group {
    int64_t at;  // Where its addresses begin.
};

static int64_t* words;
static int64_t most, used;
static bool watching, is_overfull;
static int64_t block_count, thread_count;
static int64_t special_count, shared_bytes;
static std::unordered_map<const void*, int> sites;
static std::vector<uint32_t> turns;  // Of each site and thread: how often it was there.
static std::unordered_map<uint64_t, Group> groups;

// The load that was made last; no thread where something came since that keeps a later one from joining it.
struct Open {
    int thread;
    int64_t at;  // Where its record's addresses begin.
};
static Open before;
static int64_t latest;                   // Where the addresses of the newest record begin.
static std::vector<uint32_t> together;  // Of each site: how many of its loads are asked for together so far.

static std::vector<int64_t> steps;  // Of each thread of this block: accesses to device memory.
static int64_t told_at;             // Where the launch's record tells of the steps of its blocks.

static void apart() { before = {-1, 0}; }
static bool is_on() { return words != nullptr; }
static bool is_full() { return is_overfull; }

static int64_t* put(int64_t code, int64_t first, int64_t second, int64_t size) {
    if (used + HEAD + size > most) {
        is_overfull = true;
        return nullptr;
    }
    int64_t* at = words + 1 + used;
    at[0] = code, at[1] = first, at[2] = second, at[3] = size;
    used += HEAD + size;
    words[0] = used;
    return at + HEAD;
}

static void launch(int64_t blocks, int64_t threads, int64_t footprint) {
    block_count = blocks, thread_count = threads;
    if (!is_on()) return;
    int64_t* told = put(LAUNCH, blocks, footprint, 2);
    told_at = told ? told - words : 0;
    if (told) told[0] = told[1] = 0;
}

static bool runs_whole() { return block_count * thread_count <= WHOLE; }

// Returns whether the block has to run.
static bool block(int64_t number) {
    watching = false;
    if (!is_on()) return true;
    for (int64_t i = 0; i < WATCHED; i++) watching |= number == (2 * i + 1) * block_count / (2 * WATCHED);
    if (watching) put(PROGRAM, number, 0, 0);
    sites.clear();
    groups.clear();
    turns.clear();
    together.clear();
    steps.assign(thread_count, 0);
    apart();
    special_count = shared_bytes = 0;
    return watching || runs_whole();
}

// The block has run: the thread with most accesses has taken it so many steps, one behind the other.
static void end() {
    if (is_on() && told_at && runs_whole()) {
        const int64_t most = *std::max_element(steps.begin(), steps.end());
        words[told_at] += most;
        words[told_at + 1] = std::max(words[told_at + 1], most);
    }
    if (!watching) return;
    if (int64_t* work = put(WORK, 0, 0, 5)) {
        work[0] = work[1] = work[2] = 0;
        work[3] = special_count, work[4] = shared_bytes;
    }
    watching = false;
}

static void special() { special_count++; }
static void shared(int64_t size) { shared_bytes += size; }

// Whether a load is asked for together with the one before: its thread has neither waited for others nor touched
// device memory otherwise since, the one before is no number that may be an index, and there are no more turns of a
// loop than a compiler takes at once.
static bool is_joined(Code code, int site, int thread) {
    const bool joined = code == LOAD && before.thread == thread && before.at == latest && together[site] < UNROLLED;
    if (!joined) std::fill(together.begin(), together.end(), 0);
    together[site]++;
    return joined;
}

// Threads that are at one place of the text for the same time go together, as lanes of a warp do.
static void access(Code code, const void* site, int thread, int64_t address, int size, bool is_index) {
    if (!is_on()) return;
    steps[thread]++;
    if (!watching) return;
    const auto found = sites.emplace(site, (int)sites.size());
    const int number = found.first->second;
    if (found.second) {
        turns.resize(turns.size() + thread_count);
        together.push_back(0);
    }
    const bool joined = is_joined(code, number, thread);
    const uint32_t turn = turns[number * thread_count + thread]++;
    const int whole = size > 8 ? 16 : size > 4 ? 8 : size > 2 ? 4 : size;
    const auto group = groups.emplace((uint64_t)number << 32 | turn, Group{0});
    if (group.second) {
        int64_t* body = put(code, whole, joined, thread_count);
        if (!body) {
            watching = false;
            return;
        }
        for (int64_t i = 0; i < thread_count; i++) body[i] = -1;
        latest = group.first->second.at = body - words;
    }
    const int64_t at = group.first->second.at;
    words[at + thread] = address;
    before = {code == LOAD && !is_index ? thread : -1, at};
}
}  // namespace trace

extern "C" void speciate_record(int64_t* memory, int64_t size) {
    trace::words = memory;
    trace::most = size - 1;
    trace::used = 0;
    trace::is_overfull = false;
    if (memory) memory[0] = 0;
}
