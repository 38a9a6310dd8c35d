"""What the benchmarks of probing share: rounds of ours and of the peers, each in a process of its own."""
