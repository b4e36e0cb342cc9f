// For which kind of GPU a file is compiled: 750 is Turing, 800 Ampere, 900 Hopper.
#pragma once

#ifndef ARCHITECTURE
#ifdef __CUDA_ARCH__
#define ARCHITECTURE __CUDA_ARCH__
#else
#define ARCHITECTURE 900  // on the CPU, as if
#endif
#endif
