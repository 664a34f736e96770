"""The streamed layout: reductions over blocks of classes, and their gradients, without a B x C matrix."""
