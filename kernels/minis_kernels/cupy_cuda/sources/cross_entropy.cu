// Softmax cross-entropy: loss and probabilities in one pass over the logits, which are laid over
// threads as in softmax.cu.
//
//     bytes per logit, float32      forward 8      backward 8      and the label's 8 a pixel
//
// The NumPy text makes a dozen arrays; of the logarithms, only the right class's is needed.
//
// Forward leaves each block's sums: of the losses, the weights and the labels that are no class.
// Backward needs the latter two before it can begin, and goes over the labels for them. Blocks are
// so many that none of their threads has more than 64 pixels; what they leave is added in double.

#include "scores.cuh"

struct Pixel {
    real weight;
    int label;  // 0 where it is ignored
    bool bad;   // neither a class nor ignored
};

__device__ __forceinline__ Pixel weighed(const index_t* target, const real* class_weight,
                                         const real* pixel_weight, index_t ignore_index,
                                         int classes, int pixel) {
    index_t label = target[pixel];
    bool kept = label != ignore_index, inside = label >= 0 && label < classes;
    Pixel it = {real(kept ? 1 : 0), kept && inside ? int(label) : 0, kept && !inside};
    if (class_weight) it.weight *= class_weight[it.label];
    if (pixel_weight) it.weight *= pixel_weight[pixel];
    return it;
}

// A block's sums go to partial: (3, blocks).
__device__ __forceinline__ void leave(real loss, real weight, int bad, double* partial,
                                      double* shared) {
    double losses = block_sum(loss, shared), weights = block_sum(weight, shared);
    double wrong = block_sum(bad, shared);
    if (threadIdx.x > 0) return;
    partial[blockIdx.x] = losses;
    partial[gridDim.x + blockIdx.x] = weights;
    partial[2 * gridDim.x + blockIdx.x] = wrong;
}

extern "C" __global__ void __launch_bounds__(256, 1)
    cross_entropy(const real* __restrict__ logits, const index_t* __restrict__ target,
                  const real* __restrict__ class_weight, const real* __restrict__ pixel_weight,
                  index_t ignore_index, real* p, double* __restrict__ partial, int classes,
                  int inner, int pixels, int lanes) {
    __shared__ double sums[WARP];
    real loss = 0, weights = 0;
    int bad = 0;
    for (int i = first_pixel(lanes); i < pixels; i += next_pixel(lanes)) {
        Line line = line_of(logits, p, i, classes, inner, lanes);
        real top = largest(line), total = exponentials(line, top), share = 1 / total;
        EACH_CLASS(line, k) write(line, k, kept(line, k) * share);
        if (line.lane > 0) continue;
        Pixel it = weighed(target, class_weight, pixel_weight, ignore_index, classes, i);
        real right = line.from[it.label * line.step];
        loss += it.weight != 0 ? it.weight * (real(log(total)) - (right - top)) : real(0);
        weights += it.weight, bad += it.bad;  // an ignored NaN stays out
    }
    leave(loss, weights, bad, partial, sums);
}

// One block: the loss, and whether a label is bad.
extern "C" __global__ void cross_entropy_loss(const double* __restrict__ partial, int blocks,
                                              bool mean, real* __restrict__ loss,
                                              int* __restrict__ bad) {
    __shared__ double sums[WARP];
    double losses = array_sum(partial, blocks, sums);
    double weights = array_sum(partial + blocks, blocks, sums);
    double wrong = array_sum(partial + 2 * blocks, blocks, sums);
    if (threadIdx.x == 0) loss[0] = mean ? losses / weights : losses, bad[0] = wrong > 0;
}

extern "C" __global__ void cross_entropy_weights(const index_t* __restrict__ target,
                                                 const real* __restrict__ class_weight,
                                                 const real* __restrict__ pixel_weight,
                                                 index_t ignore_index,
                                                 double* __restrict__ partial, int classes,
                                                 int pixels) {
    __shared__ double sums[WARP];
    real weights = 0;
    int bad = 0;
    for (int i = first_pixel(1); i < pixels; i += next_pixel(1)) {
        Pixel it = weighed(target, class_weight, pixel_weight, ignore_index, classes, i);
        weights += it.weight, bad += it.bad;
    }
    leave(0, weights, bad, partial, sums);
}

// One block: what each pixel's weight is multiplied by, and whether a label is bad. The gradient of
// the loss is `upstream`, times the number at `dloss` if that lies on the GPU.
extern "C" __global__ void cross_entropy_factor(const double* __restrict__ partial, int blocks,
                                                bool mean, double upstream,
                                                const double* __restrict__ dloss,
                                                real* __restrict__ factor, int* __restrict__ bad) {
    __shared__ double sums[WARP];
    double weights = array_sum(partial + blocks, blocks, sums);
    double wrong = array_sum(partial + 2 * blocks, blocks, sums);
    if (threadIdx.x > 0) return;
    if (dloss) upstream *= dloss[0];
    factor[0] = mean && weights != 0 ? upstream / weights : upstream, bad[0] = wrong > 0;
}

extern "C" __global__ void __launch_bounds__(256, 1)
    cross_entropy_backward(const real* __restrict__ p, const index_t* __restrict__ target,
                           const real* __restrict__ class_weight,
                           const real* __restrict__ pixel_weight, index_t ignore_index,
                           const real* __restrict__ factor, real* __restrict__ dlogits,
                           int classes, int inner, int pixels, int lanes) {
    for (int i = first_pixel(lanes); i < pixels; i += next_pixel(lanes)) {
        Line line = line_of(p, dlogits, i, classes, inner, lanes);
        Pixel it = weighed(target, class_weight, pixel_weight, ignore_index, classes, i);
        real scale = factor[0] * it.weight;
        EACH_CLASS(line, k) {
            real difference = given(line, k) - (k == it.label ? 1 : 0);
            write(line, k, scale == 0 ? real(0) : scale * difference);
        }
    }
}
