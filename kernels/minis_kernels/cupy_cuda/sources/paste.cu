// Mask pasting: a block takes ROWS lines of one mask's image.
//
// Where the box lies is worked out by each thread, and where its lines fall among the mask's rows
// by the first of them, in double, once for a block. A thread then takes pixels a block's width
// apart, and for each finds the mask's columns once for all lines. Every pixel is written once, the
// zeros around the box too; the mask is read through the cache.
//
// A box that is not finite, or further than FAR pixels away, fills its image with NaN.

#include "planes.cuh"

constexpr int ROWS = 16;
constexpr double FAR = 1e9;

// A box along one axis: the pixels that show it, and how these lie among the mask's cells, a frame
// of one cell of zeros included.
struct Side {
    int begin, end;
    double low, scale;
};

struct Source {
    int first, second;
    real share;
};

__device__ __forceinline__ int clipped(double v, int length) {
    return int(fmin(fmax(v, 0.0), double(length)));
}

// torchvision's: the box with the frame, truncated to whole pixels. `grown` is how much larger a
// mask is with its frame; rounded in the boxes' dtype, as in the NumPy text.
__device__ __forceinline__ Side truncated(real low, real high, real grown, int k, int length) {
    real centre = (high + low) / 2, half = product((high - low) / 2, grown);
    double from = trunc(double(centre - half)), to = trunc(double(centre + half));
    double scale = (k + 2) / fmax(to - from + 1, 1.0);
    return {clipped(from, length), clipped(to + 1, length), from, scale};
}

// detectron2's: pixels show what lies at their centres. A box without extent covers none.
__device__ __forceinline__ Side aligned(real low, real high, int k, int length) {
    if (!(low < high)) return {0, 0, 0, 1};
    double from = low, cell = (double(high) - from) / k;
    return {clipped(floor(from - cell / 2), length), clipped(ceil(high + cell / 2), length), from,
            cell};
}

__device__ __forceinline__ Source source_of(const Side& s, int k, int pixel, bool is_aligned) {
    double at = pixel + 0.5 - s.low;
    at = is_aligned ? at / s.scale + 0.5 : product(at, s.scale) - 0.5;
    at = fmin(fmax(at, 0.0), k + 1.0);
    int first = int(at);
    return {first, min(first + 1, k + 1), real(at - first)};
}

__device__ __forceinline__ bool near_enough(real v) { return fabs(double(v)) < FAR; }

__device__ __forceinline__ real mix(real share, real first, real second) {
    return (1 - share) * first + share * second;
}

extern "C" __global__ void paste(const real* __restrict__ masks, const real* __restrict__ boxes,
                                 real* __restrict__ y, int k, int height, int width, real grown,
                                 bool is_aligned) {
    __shared__ Source rows[ROWS];
    const real* box = boxes + 4 * index_t(blockIdx.x);
    const real* mask = masks + index_t(blockIdx.x) * k * k;
    bool valid = near_enough(box[0]) && near_enough(box[1]) && near_enough(box[2]) &&
                 near_enough(box[3]);
    Side across = {0, 0, 0, 1}, down = across;
    if (valid && is_aligned)
        across = aligned(box[0], box[2], k, width), down = aligned(box[1], box[3], k, height);
    else if (valid)
        across = truncated(box[0], box[2], grown, k, width),
        down = truncated(box[1], box[3], grown, k, height);
    int first = blockIdx.y * ROWS, lines = min(ROWS, height - first);
    if (threadIdx.x < lines)
        rows[threadIdx.x] = source_of(down, k, first + threadIdx.x, is_aligned);
    __syncthreads();
    auto cell = [&](int row, int column) {  // zero on the frame
        bool inside = row > 0 && row <= k && column > 0 && column <= k;
        return inside ? mask[(row - 1) * k + column - 1] : real(0);
    };
    real elsewhere = valid ? real(0) : mark_of_error();
    for (int w = threadIdx.x; w < width; w += blockDim.x) {
        bool shown = w >= across.begin && w < across.end;
        Source c = source_of(across, k, w, is_aligned);
        real* pixel = y + (index_t(blockIdx.x) * height + first) * width + w;
        for (int line = 0; line < lines; line++, pixel += width) {
            int h = first + line;
            if (!shown || h < down.begin || h >= down.end) {
                *pixel = elsewhere;
                continue;
            }
            Source r = rows[line];  // rows are mixed first, as in the NumPy text
            *pixel = mix(c.share, mix(r.share, cell(r.first, c.first), cell(r.second, c.first)),
                         mix(r.share, cell(r.first, c.second), cell(r.second, c.second)));
        }
    }
}
