"""How far a pixel of the output sees.

Each layer reads windows of the layer before it, which read windows of the layer before that.
Along one axis, the receptive field is the number of input cells that one output cell depends
on. An FCN's last layers see 404 pixels; a network that sees less than the objects it should
find can't find them.

Layers are convolutions or poolings alike: all that counts is (kernel, stride, dilation).
"""


def receptive_field(layers: list) -> int:
    """Return how many cells along an axis one output depends on, as an int.

    `layers` is a list of (kernel, stride, dilation), the first layer first.

    >>> receptive_field([(3, 1, 1), (3, 1, 1)])
    5
    >>> receptive_field([(3, 1, 1), (2, 2, 1), (3, 1, 1)])
    8
    """
    # your turn
    seen, apart = 1, 1
    for kernel, stride, dilation in layers:
        seen += dilation * (kernel - 1) * apart
        apart *= stride
    return seen
    # end of your turn


# hint: Go from the first layer to the last with two numbers: how many input cells one cell of
#     this layer sees, and how far apart, in input cells, two neighbours of this layer are.
# hint: A layer's window reaches over dilation · (kernel − 1) gaps between neighbours of the
#     layer before; each gap is as wide as those neighbours are apart.
# hint: A stride multiplies how far apart neighbours are from then on.
