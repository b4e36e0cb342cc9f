// Local response normalisation: y[c] = x[c]·s[c]^−beta, s[c] = k + alpha/size · Σ x² over channels.
//
//     bytes per number, float32      forward 8      backward 16 + 16
//
// A plane of (N, C, *S) is a row of rows.cuh. A thread reads the same pixels of the neighbouring
// channels, each of which `size` blocks read at about the same time: most find it in a cache.
// Backward's first pass leaves dy·s^−beta, and what each channel sends to its neighbours; the
// second gathers it. The NumPy text goes over memory for every neighbour.

#include "rows.cuh"

// Σ of f(what `values` holds) over the channels c − before … c + after that exist.
template <int N, class Function>
__device__ __forceinline__ Pack<N> around(Width<N> width, const real* values, index_t at, int c,
                                          int channels, int before, int after, int plane,
                                          Function f) {
    Pack<N> total = {};
    for (int o = max(-before, -c); o <= min(after, channels - 1 - c); o++) {
        Pack<N> v = load(width, values + (at + index_t(o) * plane));
        for (int k = 0; k < N; k++) total.v[k] += f(v.v[k]);
    }
    return total;
}

// `share_of_squares` is alpha / size.
extern "C" __global__ void local_response_norm(const real* __restrict__ x, real* __restrict__ y,
                                               int channels, int before, int after,
                                               real share_of_squares, real beta, real least,
                                               index_t start, index_t stride, int length,
                                               int segments, int share, bool wide) {
    Rows rows = {start, stride, length, segments, share, wide};
    int c = blockIdx.x % channels;
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto s = around(width, x, at, c, channels, before, after, length,
                        [](real v) { return v * v; });
        auto v = load(width, x + at);
        for (int k = 0; k < width.count; k++)
            v.v[k] *= real(pow(least + share_of_squares * s.v[k], -beta));
        store(y + at, v);
    });
}

// Leaves dx = dy·s^−beta and sent = dy·x·s^(−beta − 1).
extern "C" __global__ void local_response_norm_sent(
    const real* __restrict__ dy, const real* __restrict__ x, real* __restrict__ dx,
    real* __restrict__ sent, int channels, int before, int after, real share_of_squares, real beta,
    real least, index_t start, index_t stride, int length, int segments, int share, bool wide) {
    Rows rows = {start, stride, length, segments, share, wide};
    int c = blockIdx.x % channels;
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto s = around(width, x, at, c, channels, before, after, length,
                        [](real v) { return v * v; });
        auto g = load(width, dy + at), v = load(width, x + at);
        for (int k = 0; k < width.count; k++) {
            real scale = least + share_of_squares * s.v[k];
            v.v[k] = g.v[k] * v.v[k] * real(pow(scale, -beta - 1));
            g.v[k] *= real(pow(scale, -beta));
        }
        store(dx + at, g), store(sent + at, v);
    });
}

// dx −= factor · x · Σ sent. A channel hears from those whose neighbourhood has it: `before` and
// `after` change places.
extern "C" __global__ void local_response_norm_gathered(
    const real* __restrict__ x, const real* __restrict__ sent, real* __restrict__ dx, int channels,
    int before, int after, real factor, index_t start, index_t stride, int length, int segments,
    int share, bool wide) {
    Rows rows = {start, stride, length, segments, share, wide};
    int c = blockIdx.x % channels;
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto reached = around(width, sent, at, c, channels, after, before, length,
                              [](real v) { return v; });
        auto g = load(width, dx + at), v = load(width, x + at);
        for (int k = 0; k < width.count; k++) g.v[k] -= factor * v.v[k] * reached.v[k];
        store(dx + at, g);
    });
}
