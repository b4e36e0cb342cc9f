"""The gradient of softmax cross-entropy.

For every pixel, `probabilities` is the softmax over K classes, and the loss is the mean over
all pixels that count of −log(probability of the right class). Pixels labelled `ignore_index`
("void") do not count.

Derive it for one pixel first: the derivative of −log softmax(z)[t] with respect to z[k] is
short.
"""

import numpy as np


def cross_entropy_backward(dloss, probabilities, target, *, ignore_index=-100):
    """Return the gradient with respect to the logits, (N, K, H, W).

    dloss is the gradient with respect to the loss, a number; `probabilities` is (N, K, H, W),
    `target` (N, H, W) of integers. Where no pixel counts, the gradient is zero.
    """
    # your turn
    kept = target != ignore_index
    classes = np.arange(probabilities.shape[1])[:, None, None]
    right = classes == target[:, None]  # (N, K, H, W)
    dlogits = (probabilities - right) * kept[:, None]
    dlogits *= dloss / max(1, kept.sum())
    return dlogits.astype(probabilities.dtype)
    # end of your turn


# hint: For one pixel: softmax − one-hot of the right class.
# hint: target[:, None] == np.arange(K)[:, None, None] is the one-hot, of shape (N, K, H, W).
# hint: Divide by how many pixels count, not by how many there are; and don't forget dloss.
