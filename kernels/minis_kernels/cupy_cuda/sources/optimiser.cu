// The optimisers' steps: one pass over a parameter and what is remembered of it, in place.
//
//     bytes per number, float32      sgd 12      rmsprop 20      adam 28
//
// and 8 more for a velocity, and for rmsprop's running mean.
//
// The NumPy text goes over memory for every term. Here all are taken in its order, 16 bytes of each
// array at a time; rounding differs where the compiler makes one operation of a product and a sum.

#include "pack.cuh"

// g ← g + λ θ
template <class Numbers>
__device__ __forceinline__ void decay(Numbers& g, const Numbers& theta, real weight_decay,
                                      int count) {
    if (weight_decay != 0)
        for (int k = 0; k < count; k++) g.v[k] += weight_decay * theta.v[k];
}

// v ← μ v + g, and g becomes v.
template <class Numbers>
__device__ __forceinline__ void speed_up(Numbers& v, Numbers& g, real momentum, bool nesterov,
                                         int count) {
    for (int k = 0; k < count; k++) {
        v.v[k] = v.v[k] * momentum + g.v[k];
        g.v[k] = nesterov ? g.v[k] + momentum * v.v[k] : v.v[k];
    }
}

// With no velocity there is no momentum.
extern "C" __global__ void sgd(real* __restrict__ data, const real* __restrict__ grad,
                               real* __restrict__ velocity, index_t count, index_t packs, real lr,
                               real momentum, real weight_decay, bool nesterov) {
    each_pack(count, packs, [&](auto width, index_t at) {
        auto theta = load(width, data + at), g = load(width, grad + at);
        decay(g, theta, weight_decay, width.count);
        if (velocity) {
            auto v = load(width, velocity + at);
            speed_up(v, g, momentum, nesterov, width.count);
            store(velocity + at, v);
        }
        for (int k = 0; k < width.count; k++) theta.v[k] -= lr * g.v[k];
        store(data + at, theta);
    });
}

// With no mean it is not centred. `rest` is 1 − alpha.
extern "C" __global__ void rmsprop(real* __restrict__ data, const real* __restrict__ grad,
                                   real* __restrict__ square, real* __restrict__ mean,
                                   real* __restrict__ velocity, index_t count, index_t packs,
                                   real lr, real alpha, real rest, real eps, real momentum,
                                   real weight_decay) {
    each_pack(count, packs, [&](auto width, index_t at) {
        auto theta = load(width, data + at), g = load(width, grad + at);
        decay(g, theta, weight_decay, width.count);
        auto s = load(width, square + at);
        for (int k = 0; k < width.count; k++)
            s.v[k] = s.v[k] * alpha + rest * (g.v[k] * g.v[k]);
        store(square + at, s);
        if (mean) {
            auto m = load(width, mean + at);
            for (int k = 0; k < width.count; k++) {
                m.v[k] = m.v[k] * alpha + rest * g.v[k];
                real variance = s.v[k] - m.v[k] * m.v[k];
                s.v[k] = variance < 0 ? real(0) : variance;  // rounding can take it there
            }
            store(mean + at, m);
        }
        for (int k = 0; k < width.count; k++) g.v[k] /= real(sqrt(s.v[k])) + eps;
        if (velocity) {
            auto v = load(width, velocity + at);
            speed_up(v, g, momentum, false, width.count);
            store(velocity + at, v);
        }
        for (int k = 0; k < width.count; k++) theta.v[k] -= lr * g.v[k];
        store(data + at, theta);
    });
}

// `rate` is η / (1 − β₁ᵗ), `divisor` √(1 − β₂ᵗ), `rest1` 1 − β₁, `rest2` 1 − β₂; `keep` is what a
// decoupled weight decay leaves of θ.
extern "C" __global__ void adam(real* __restrict__ data, const real* __restrict__ grad,
                                real* __restrict__ mean, real* __restrict__ square, index_t count,
                                index_t packs, real rate, real beta1, real rest1, real beta2,
                                real rest2, real divisor, real eps, real weight_decay, real keep) {
    each_pack(count, packs, [&](auto width, index_t at) {
        auto theta = load(width, data + at), g = load(width, grad + at);
        auto m = load(width, mean + at), s = load(width, square + at);
        for (int k = 0; k < width.count; k++) theta.v[k] *= keep;
        decay(g, theta, weight_decay, width.count);
        for (int k = 0; k < width.count; k++) {
            m.v[k] = m.v[k] * beta1 + rest1 * g.v[k];
            s.v[k] = s.v[k] * beta2 + rest2 * (g.v[k] * g.v[k]);
            theta.v[k] -= rate * (m.v[k] / (real(sqrt(s.v[k])) / divisor + eps));
        }
        store(mean + at, m), store(square + at, s), store(data + at, theta);
    });
}
