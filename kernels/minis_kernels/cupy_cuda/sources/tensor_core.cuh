// The tensor core's instructions: a warp multiplies two small matrices, D = A·B + C.
//
//     multiply_add(Tf32, c, a, b)   A 16×8,  B 8×8,   numbers rounded to TF32   (from sm_80 on)
//     multiply_add(Half, c, a, b)   A 16×16, B 16×8,  numbers rounded to half   (from sm_75 on)
//
// C and D, 16×8, are float32. The 32 lanes hold the matrices together, in registers of 32 bits.
// With g = lane / 4 and t = lane % 4, a lane has (PTX ISA, "Matrix fragments for mma"):
//
//            TF32                      half: two columns of A, or rows of B, in a register
//     a[0]   A[g    ][t    ]           A[g    ][2t, 2t + 1]
//     a[1]   A[g + 8][t    ]           A[g + 8][2t, 2t + 1]
//     a[2]   A[g    ][t + 4]           A[g    ][2t + 8, 2t + 9]
//     a[3]   A[g + 8][t + 4]           A[g + 8][2t + 8, 2t + 9]
//     b[0]   B[t    ][g]               B[2t, 2t + 1][g]
//     b[1]   B[t + 4][g]               B[2t + 8, 2t + 9][g]
//     c[0], c[1]                       C[g    ][2t], C[g    ][2t + 1]
//     c[2], c[3]                       C[g + 8][2t], C[g + 8][2t + 1]
//
// TF32 has the sign and the 8 bits of exponent of float32, and 10 bits of mantissa of its 23. Half
// has as many of mantissa, but 5 of exponent: from 65520 on it is infinite.
#pragma once

#include "architecture.cuh"
#include "common.cuh"

#ifdef CUDA_ON_CPU
namespace emulation {

// What the instruction reads of a register: one number in TF32, or two halves.
inline float read_tf32(unsigned bits) { return __uint_as_float(bits & 0xffffe000u); }

inline float read_half(unsigned bits, int which) {
    unsigned h = bits >> (16 * which) & 0xffffu;
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    float magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                      : exponent     ? std::ldexp(1024.0f + mantissa, exponent - 25)
                                     : std::ldexp(float(mantissa), -24);
    return h >> 15 ? -magnitude : magnitude;
}

inline unsigned to_half(float v) {  // to nearest, ties to even
    unsigned bits = __float_as_uint(v), sign = bits >> 16 & 0x8000u;
    float size = std::fabs(v);
    if (std::isnan(v)) return 0x7fffu;
    if (size >= 65520.0f) return sign | 0x7c00u;
    if (size < 6.103515625e-5f) return sign | unsigned(std::nearbyint(std::ldexp(size, 24)));
    unsigned rest = __float_as_uint(size);
    rest += 0xfffu + (rest >> 13 & 1);  // a carry goes to the exponent, as it should
    return sign | ((rest >> 13) - (112u << 10));
}

struct Fragments {
    unsigned a[4], b[2];
};

// The product as the manual defines it: who holds which number of A (16 × depth) and B (depth × 8),
// and what a lane gets of D.
template <class Of_a, class Of_b>
void multiply_add(float (&c)[4], int depth, Of_a of_a, Of_b of_b) {
    int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; i++) {
        int row = g + (i < 2 ? 0 : 8), column = 2 * t + i % 2;
        double sum = c[i];
        for (int k = 0; k < depth; k++) sum += double(of_a(row, k)) * of_b(k, column);
        c[i] = float(sum);
    }
}

}  // namespace emulation
#endif

struct Tf32 {
    static constexpr int depth = 8;  // of one product

    // Round to nearest, ties away from zero.
    static __device__ __forceinline__ unsigned rounded(float v) {
#ifdef CUDA_ON_CPU
        unsigned bits = __float_as_uint(v);
        return std::isfinite(v) ? (bits + 0x1000u) & 0xffffe000u : bits;
#elif ARCHITECTURE >= 800
        unsigned bits;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
        return bits;
#else
        return __float_as_uint(v);
#endif
    }
};

struct Half {
    static constexpr int depth = 16;

    // Round two numbers to nearest, ties to even; the first goes to the lower 16 bits.
    static __device__ __forceinline__ unsigned rounded(float low, float high) {
#ifdef CUDA_ON_CPU
        return emulation::to_half(low) | emulation::to_half(high) << 16;
#elif ARCHITECTURE >= 800
        unsigned bits;
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
        return bits;
#else
        unsigned bits;
        asm("{ .reg .f16 l, h; cvt.rn.f16.f32 l, %1; cvt.rn.f16.f32 h, %2; mov.b32 %0, {l, h}; }"
            : "=r"(bits)
            : "f"(low), "f"(high));
        return bits;
#endif
    }
};

__device__ __forceinline__ void multiply_add(Tf32, float (&c)[4], const unsigned (&a)[4],
                                             const unsigned (&b)[2]) {
#ifdef CUDA_ON_CPU
    emulation::Fragments mine = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    emulation::Exchange<emulation::Fragments> all(WHOLE_WARP, mine, __LINE__);
    emulation::multiply_add(
        c, 8,
        [&](int row, int k) {
            int held_by = row % 8 * 4 + k % 4;
            return emulation::read_tf32(all.offered[held_by].a[row / 8 + 2 * (k / 4)]);
        },
        [&](int k, int column) {
            return emulation::read_tf32(all.offered[column * 4 + k % 4].b[k / 4]);
        });
#elif ARCHITECTURE >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();  // Turing has no TF32, and no launcher starts this there
#endif
}

// A 16×8, B 8×8, halves: of the two registers of A that follow one another, and of one of B.
__device__ __forceinline__ void multiply_add_8(float (&c)[4], unsigned a0, unsigned a1,
                                               unsigned b0) {
#ifdef CUDA_ON_CPU
    emulation::Fragments mine = {{a0, a1}, {b0}};
    emulation::Exchange<emulation::Fragments> all(WHOLE_WARP, mine, __LINE__);
    emulation::multiply_add(
        c, 8,
        [&](int row, int k) {
            return emulation::read_half(all.offered[row % 8 * 4 + k / 2].a[row / 8], k % 2);
        },
        [&](int k, int column) {
            return emulation::read_half(all.offered[column * 4 + k / 2].b[0], k % 2);
        });
#else
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(b0));
#endif
}

__device__ __forceinline__ void multiply_add(Half, float (&c)[4], const unsigned (&a)[4],
                                             const unsigned (&b)[2]) {
#if ARCHITECTURE < 800  // half as deep, twice
    multiply_add_8(c, a[0], a[1], b[0]);
    multiply_add_8(c, a[2], a[3], b[1]);
#elif defined(CUDA_ON_CPU)
    emulation::Fragments mine = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    emulation::Exchange<emulation::Fragments> all(WHOLE_WARP, mine, __LINE__);
    emulation::multiply_add(
        c, 16,
        [&](int row, int k) {
            int held_by = row % 8 * 4 + k % 8 / 2;
            return emulation::read_half(all.offered[held_by].a[row / 8 + 2 * (k / 8)], k % 2);
        },
        [&](int k, int column) {
            return emulation::read_half(all.offered[column * 4 + k % 8 / 2].b[k / 8], k % 2);
        });
#else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
