"""The backward of batch normalisation.

In training, each channel is normalised with its own mean and variance over samples and pixels:

    x̂ = (x − mean) · inv_std          y = gamma · x̂ + beta

x changes y directly, and through the mean, and through the variance. Put together, with means
over all of a channel's M numbers:

    dx = gamma · inv_std · (dy − mean(dy) − x̂ · mean(dy · x̂))

Derive it once by hand; then write it.
"""


def batch_norm_backward(dy, x, gamma, mean, inv_std, *, training=True):
    """Return dx (N, C, H, W), dgamma (C,), dbeta (C,).

    dy and x are (N, C, H, W); gamma, mean and inv_std (C,). `training` is always True here.
    """
    # your turn
    axes = (0, 2, 3)

    def per_channel(a):
        return a[:, None, None]

    normal = (x - per_channel(mean)) * per_channel(inv_std)
    dbeta, dgamma = dy.sum(axis=axes), (dy * normal).sum(axis=axes)
    count = max(1, x.size // x.shape[1])
    centred = dy - per_channel(dbeta / count) - normal * per_channel(dgamma / count)
    return per_channel(gamma * inv_std) * centred, dgamma, dbeta
    # end of your turn


# hint: a[:, None, None] of a (C,) array lines it up with (N, C, H, W).
# hint: dbeta is the sum of dy over (N, H, W), dgamma that of dy · x̂.
# hint: The two means in dx are dbeta / M and dgamma / M: no new sums are needed.
