"""What measuring on a GPU needs beyond what the CPU does: events, buffers, peaks, the device."""
