"""How many outputs a window gives.

A window of `kernel` cells slides along an axis of `size` cells, in steps of `stride`, after
`padding` cells were put in front and as many behind. With `dilation` d, the window's cells
stand d apart: of 3 cells with dilation 2 the first and the last are 4 apart, so it reaches over
5.

Draw a row of 7 cells, and a window of 3 in steps of 2, before you write anything.
"""


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return how many places the window has, as an int.

    >>> output_size(7, 3)
    5
    >>> output_size(7, 3, stride=2, padding=1)
    4
    """
    # your turn
    reach = dilation * (kernel - 1) + 1
    return (size + 2 * padding - reach) // stride + 1
    # end of your turn


# hint: How many cells does the window reach over? With dilation 1 it is `kernel`.
# hint: The first place is the very left. From there, how far can the window still move to the
#     right, before its last cell falls off the padded axis? That far, in whole steps of
#     `stride`.
# hint: (cells after padding − reach) // stride steps, and one place more than steps.
