"""Mask R-CNN (He et al. 2017), part by part: each file one part, forward and backward."""
