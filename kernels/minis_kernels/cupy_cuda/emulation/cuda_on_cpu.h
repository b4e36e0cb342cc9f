// CUDA C++ on the CPU: compiled in front of a .cu file, this header lets an ordinary C++ compiler
// build it and run its kernels, with no GPU and no CUDA toolkit.
//
// Every CUDA thread is a fiber: a stack of its own, on one thread of the operating system. A fiber
// runs until it waits, at __syncthreads() or in an exchange among its warp, and then gives way to
// the next. In which order fibers and blocks take their turns is drawn anew each time, from a fixed
// seed, and shared memory begins as NaN: a kernel that lacks a barrier, or that reads what it never
// wrote, gives wrong numbers here, and the same wrong numbers again.
//
// What is missed: how long anything takes, bank conflicts, and the weak ordering of a real memory.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ucontext.h>

#define CUDA_ON_CPU 1
#define __global__
#define __device__  // not `static`: structs have member functions
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __constant__ static
#define __launch_bounds__(...)
// All shared arrays of a file lie together, so that a block can begin with none of the last
// block's values. Arrays in templates can't: declare them in the kernel itself.
#define __shared__ static __attribute__((section("cuda_shared")))
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(emulation::dynamic_shared())

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x = 1, y = 1, z = 1; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(32) double4 { double x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

// The section exists even where a file shares nothing.
__attribute__((section("cuda_shared"), used)) static char cuda_shared_begins = 0;
extern "C" char __start_cuda_shared, __stop_cuda_shared;

namespace emulation {

constexpr int warp_size = 32, most_threads = 1024;
constexpr size_t stack_bytes = 128 * 1024, most_dynamic_shared = 228 * 1024;

enum class State : char { ready, at_barrier, at_warp, done };

struct Thread {
    ucontext_t context;
    uint3 index;
    int place;         // its number in the block
    State state;
    int line;          // where it waits
    unsigned mask;     // the lanes of its warp that it waits for
    unsigned exchanges;
};

using Slot = std::array<unsigned char, 64>;  // what a lane offers to its warp

struct Block {
    dim3 grid, size;
    uint3 index;
    int threads;
    std::vector<Thread> thread = std::vector<Thread>(most_threads);
    // two slots a lane, used in turn: none is written again before all have read it
    std::vector<std::array<Slot, 2>> slot = std::vector<std::array<Slot, 2>>(most_threads);
    std::vector<char> stacks = std::vector<char>();
    Thread* current = nullptr;
    ucontext_t scheduler;
    std::function<void()> body;
    std::string problem;
    uint64_t random = 0;
};

inline Block& block() {
    static Block* it = new Block;
    return *it;
}

inline void* dynamic_shared() {
    alignas(128) static char memory[most_dynamic_shared];
    return memory;
}

inline uint32_t draw(uint32_t below) {  // xorshift64*
    uint64_t& s = block().random;
    s ^= s >> 12, s ^= s << 25, s ^= s >> 27;
    return static_cast<uint32_t>(((s * 2685821657736338717ull) >> 33) % below);
}

inline void shuffle(std::vector<int>& order) {
    for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[draw(i)]);
}

inline std::string name(const Thread& t) {
    char text[64];
    std::snprintf(text, sizeof text, "thread (%u, %u, %u)", t.index.x, t.index.y, t.index.z);
    return text;
}

inline void wait(State state, int line, unsigned mask = 0) {
    Block& b = block();
    Thread* me = b.current;
    me->state = state, me->line = line, me->mask = mask;
    swapcontext(&me->context, &b.scheduler);
}

// Let the lanes of a warp go on once all that they wait for are there.
inline void release_warp(int warp) {
    Block& b = block();
    int first = warp * warp_size, last = std::min(first + warp_size, b.threads);
    for (int i = first; i < last; i++) {
        Thread& t = b.thread[i];
        if (t.state != State::at_warp) continue;
        bool all = true;
        for (int j = first; j < last && all; j++) {
            const Thread& u = b.thread[j];
            if (!(t.mask >> (j - first) & 1) || u.state == State::done) continue;
            all = u.state == State::at_warp && u.mask == t.mask && u.line == t.line;
        }
        if (!all) continue;
        for (int j = first; j < last; j++)
            if ((t.mask >> (j - first) & 1) && b.thread[j].state == State::at_warp)
                b.thread[j].state = State::ready;
    }
}

inline void begin_thread() {
    block().body();
    block().current->state = State::done;
    swapcontext(&block().current->context, &block().scheduler);
}

inline void stuck() {
    Block& b = block();
    for (int i = 0; i < b.threads; i++) {
        const Thread& t = b.thread[i];
        if (t.state != State::at_warp) continue;
        b.problem = name(t) + " waits for its warp at line " + std::to_string(t.line) +
                    ", where the other lanes of its mask never come";
        return;
    }
}

inline void run_block(std::vector<int>& order) {
    Block& b = block();
    for (int i = 0; i < b.threads; i++) {
        Thread& t = b.thread[i];
        t.place = i, t.state = State::ready, t.exchanges = 0;
        t.index = {i % b.size.x, i / b.size.x % b.size.y, i / (b.size.x * b.size.y)};
        getcontext(&t.context);
        t.context.uc_stack.ss_sp = b.stacks.data() + stack_bytes * i;
        t.context.uc_stack.ss_size = stack_bytes;
        t.context.uc_link = nullptr;
        makecontext(&t.context, begin_thread, 0);
    }
    std::memset(&__start_cuda_shared, 0xff, &__stop_cuda_shared - &__start_cuda_shared);
    std::memset(dynamic_shared(), 0xff, most_dynamic_shared);
    shuffle(order);
    while (true) {
        bool ran = false;
        for (int i : order) {
            Thread& t = b.thread[i];
            if (t.state != State::ready) continue;
            ran = true, b.current = &t;
            swapcontext(&b.scheduler, &t.context);
            if (t.state == State::at_warp || t.state == State::done) release_warp(i / warp_size);
        }
        if (ran) continue;
        const Thread* first = nullptr;  // none can run: are all that are left at one barrier?
        for (int i = 0; i < b.threads; i++) {
            Thread& t = b.thread[i];
            if (t.state == State::done) continue;
            if (t.state == State::at_warp) return stuck();
            if (first && first->line != t.line) {
                b.problem = name(*first) + " waits at the __syncthreads() of line " +
                            std::to_string(first->line) + ", " + name(t) + " at that of line " +
                            std::to_string(t.line);
                return;
            }
            first = first ? first : &t;
        }
        if (!first) return;  // all are done
        for (int i = 0; i < b.threads; i++)
            if (b.thread[i].state == State::at_barrier) b.thread[i].state = State::ready;
        shuffle(order);
    }
}

// Run a kernel; what went wrong, or an empty string.
inline std::string launch(dim3 grid, dim3 size, size_t shared, std::function<void()> body) {
    static std::mutex one_at_a_time;
    std::lock_guard<std::mutex> lock(one_at_a_time);
    Block& b = block();
    b.grid = grid, b.size = size, b.body = std::move(body), b.problem.clear();
    b.threads = size.x * size.y * size.z;
    b.random = 0x9e3779b97f4a7c15ull;
    if (b.threads < 1 || b.threads > most_threads)
        return "a block has 1 to 1024 threads, not " + std::to_string(b.threads);
    if (shared > most_dynamic_shared)
        return std::to_string(shared) + " bytes of shared memory were asked for; there are " +
               std::to_string(most_dynamic_shared);
    if (b.stacks.size() < stack_bytes * b.threads) b.stacks.resize(stack_bytes * b.threads);
    std::vector<int> order(b.threads), blocks(size_t(grid.x) * grid.y * grid.z);
    for (int i = 0; i < b.threads; i++) order[i] = i;
    for (size_t i = 0; i < blocks.size(); i++) blocks[i] = i;
    shuffle(blocks);
    for (unsigned i : blocks) {
        b.index = {i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)};
        run_block(order);
        if (!b.problem.empty()) break;
    }
    return b.problem;
}

// A kernel's parameters lie in memory one by one, as cuLaunchKernel takes them.
template <class... P, size_t... I>
std::string launch_with(void (*kernel)(P...), dim3 grid, dim3 size, size_t shared, void** given,
                        std::index_sequence<I...>) {
    return launch(grid, size, shared, [=] {
        kernel(*reinterpret_cast<std::remove_reference_t<P>*>(given[I])...);
    });
}

template <class... P>
const char* start(void (*kernel)(P...), const unsigned* g, const unsigned* s, size_t shared,
                  void** given) {
    static std::string problem;
    problem = launch_with(kernel, {g[0], g[1], g[2]}, {s[0], s[1], s[2]}, shared, given,
                          std::index_sequence_for<P...>{});
    return problem.c_str();
}

inline int lane() { return block().current->place % warp_size; }

// Offer `mine` to the warp; what lane `l` offered is then at offered[l].
template <class T>
struct Exchange {
    std::array<T, warp_size> offered;
    Exchange(unsigned mask, const T& mine, int line) {
        static_assert(sizeof(T) <= sizeof(Slot));
        Block& b = block();
        Thread* me = b.current;
        int first = me->place / warp_size * warp_size, turn = me->exchanges++ % 2;
        std::memcpy(b.slot[me->place][turn].data(), &mine, sizeof(T));
        wait(State::at_warp, line, mask);
        for (int l = 0; l < warp_size; l++) {
            bool there = (mask >> l & 1) && first + l < b.threads;
            std::memcpy(&offered[l], b.slot[there ? first + l : me->place][turn].data(), sizeof(T));
        }
    }
};

template <class T>
T shuffled(unsigned mask, T value, int from, int line) {
    Exchange<T> all(mask, value, line);
    return from < 0 || from >= warp_size ? value : all.offered[from];
}

inline unsigned ballot(unsigned mask, bool vote, int line) {
    Exchange<int> all(mask, vote, line);
    unsigned votes = 0;
    int first = block().current->place / warp_size * warp_size;
    for (int l = 0; l < warp_size; l++)
        if ((mask >> l & 1) && first + l < block().threads &&
            block().thread[first + l].state != State::done && all.offered[l])
            votes |= 1u << l;
    return votes;
}

}  // namespace emulation

#define threadIdx (emulation::block().current->index)
#define blockIdx (emulation::block().index)
#define blockDim (emulation::block().size)
#define gridDim (emulation::block().grid)
#define warpSize 32

#define __syncthreads() emulation::wait(emulation::State::at_barrier, __LINE__)
#define __syncwarp(...) emulation::ballot(0xffffffffu, true, __LINE__)
#define __ballot_sync(mask, vote) emulation::ballot(mask, vote, __LINE__)
#define __any_sync(mask, vote) (emulation::ballot(mask, vote, __LINE__) != 0)
#define __all_sync(mask, vote) (emulation::ballot(mask, !(vote), __LINE__) == 0)
#define __shfl_sync(mask, v, from) emulation::shuffled(mask, v, from, __LINE__)
#define __shfl_down_sync(mask, v, by) emulation::shuffled(mask, v, emulation::lane() + (by), __LINE__)
#define __shfl_up_sync(mask, v, by) emulation::shuffled(mask, v, emulation::lane() - (by), __LINE__)
#define __shfl_xor_sync(mask, v, by) emulation::shuffled(mask, v, emulation::lane() ^ (by), __LINE__)

// One thread of the operating system: what it does is atomic.
template <class T, class U>
T atomicAdd(T* at, U value) { T old = *at; *at = static_cast<T>(old + static_cast<T>(value)); return old; }
template <class T, class U>
T atomicMax(T* at, U value) { T old = *at; *at = std::max(old, static_cast<T>(value)); return old; }
template <class T, class U>
T atomicMin(T* at, U value) { T old = *at; *at = std::min(old, static_cast<T>(value)); return old; }
template <class T, class U>
T atomicOr(T* at, U value) { T old = *at; *at = old | static_cast<T>(value); return old; }
template <class T, class U>
T atomicExch(T* at, U value) { T old = *at; *at = static_cast<T>(value); return old; }
template <class T, class U, class V>
T atomicCAS(T* at, U seen, V value) { T old = *at; if (old == static_cast<T>(seen)) *at = static_cast<T>(value); return old; }

inline void __threadfence() {}
template <class T> T __ldg(const T* at) { return *at; }
template <class T> T __ldcs(const T* at) { return *at; }
template <class T> void __stcs(T* at, T value) { *at = value; }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline int __clz(int v) { return v ? __builtin_clz(v) : 32; }
inline float __int_as_float(int v) { float f; std::memcpy(&f, &v, 4); return f; }
inline int __float_as_int(float v) { int i; std::memcpy(&i, &v, 4); return i; }
inline float __uint_as_float(unsigned v) { float f; std::memcpy(&f, &v, 4); return f; }
inline unsigned __float_as_uint(float v) { unsigned i; std::memcpy(&i, &v, 4); return i; }
inline double __longlong_as_double(long long v) { double d; std::memcpy(&d, &v, 8); return d; }
inline float rsqrtf(float v) { return 1.0f / std::sqrt(v); }
inline double rsqrt(double v) { return 1.0 / std::sqrt(v); }
using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;
inline float __fmul_rn(float a, float b) { volatile float p = a * b; return p; }  // never in an FMA
inline double __dmul_rn(double a, double b) { volatile double p = a * b; return p; }
