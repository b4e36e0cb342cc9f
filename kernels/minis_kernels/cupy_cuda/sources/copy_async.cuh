// Copies from global to shared memory that a thread starts and goes on (cp.async, from sm_80 on).
//
//     copy_async<4>(to, from, there);   start a copy of 4, 8 or 16 bytes; zeros if not `there`
//     close_group();                    all copies started since the last close are one group
//     wait_groups<N>();                 go on when all my groups but the last N have arrived
//
// The numbers pass through no register, so that several tiles can be on their way while the thread
// computes: the time that memory takes is hidden, and registers are left for the sums.
//
// A thread waits for its own copies only. That those of other threads have arrived too is known
// after a __syncthreads() that follows everybody's wait.
//
// On sm_75, which has no such copies, each is a load and a store at once.
#pragma once

#include "architecture.cuh"
#include "common.cuh"

#ifdef CUDA_ON_CPU
// A copy may arrive at any moment from its start to the wait for its group. Which, is drawn: half
// of them arrive at once, the others as late as they may. A slot that is filled while another
// thread still reads it, or read before it is waited for, gives wrong numbers.
namespace emulation {

struct Copy {
    void* to;
    const void* from;
    size_t bytes;
    bool there;
    void arrive() const {
        if (there) std::memcpy(to, from, bytes);
        else std::memset(to, 0, bytes);
    }
};

struct Copies {  // of one thread
    std::vector<Copy> open;
    std::vector<std::vector<Copy>> closed;
};

static Copies& copies_of_thread() {
    static std::vector<Copies> all(most_threads);
    return all[block().current->place];
}

}  // namespace emulation
#endif

template <int BYTES>
__device__ __forceinline__ void copy_async(void* to, const void* from, bool there) {
#ifdef CUDA_ON_CPU
    emulation::Copy copy{to, from, BYTES, there};
    if (emulation::draw(2)) copy.arrive();
    else emulation::copies_of_thread().open.push_back(copy);
#elif ARCHITECTURE >= 800
    unsigned place = static_cast<unsigned>(__cvta_generic_to_shared(to));
    int read = there ? BYTES : 0;  // the rest is filled with zeros
    if (BYTES == 16)  // 16 bytes may pass by the L1 cache: packed filters are read once a block
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(place), "l"(from),
                     "r"(read));
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(place), "l"(from),
                     "n"(BYTES), "r"(read));
#else
    if (BYTES == 16) {
        *static_cast<float4*>(to) =
            there ? *static_cast<const float4*>(from) : make_float4(0, 0, 0, 0);
    } else if (BYTES == 8) {
        *static_cast<double*>(to) = there ? *static_cast<const double*>(from) : 0.0;
    } else {
        *static_cast<float*>(to) = there ? *static_cast<const float*>(from) : 0.0f;
    }
#endif
}

__device__ __forceinline__ void close_group() {
#ifdef CUDA_ON_CPU
    emulation::Copies& mine = emulation::copies_of_thread();
    mine.closed.push_back(std::move(mine.open));
    mine.open.clear();
#elif ARCHITECTURE >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int LEFT>
__device__ __forceinline__ void wait_groups() {
#ifdef CUDA_ON_CPU
    auto& closed = emulation::copies_of_thread().closed;
    while (closed.size() > LEFT) {
        for (const emulation::Copy& copy : closed.front()) copy.arrive();
        closed.erase(closed.begin());
    }
#elif ARCHITECTURE >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#endif
}
